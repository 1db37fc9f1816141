/** Pictures that clips are conditioned on: those that the caller gives as pixels, and those that a prompt names as files. */
import type { Clip } from './clip.ts';
import type { FamilyOptions, Pipeline, SizeRequest } from './pipeline.ts';

/** A picture's file as a clip of one frame, cut to the video's size. Throws `io`, `corrupt_file` and `missing_peer`. */
export async function loadReference(
  file: string,
  { height, width }: { readonly height: number; readonly width: number },
): Promise<Clip> {
  const { loadImage } = await import('./video/image.ts'); // reads files, which not every place has
  return { data: await loadImage(file, { height, width }), channels: 3, frames: 1, height, width };
}

interface ReferenceRequest extends SizeRequest {
  readonly prompts: readonly string[];
  readonly references?: readonly (readonly Clip[])[];
  readonly familyOptions?: FamilyOptions;
  readonly pictures?: ReadonlyMap<string, string>;
}

/** Per prompt, the references that were given and, after them, those that it names itself. */
export async function referencesOf(pipeline: Pipeline, request: ReferenceRequest): Promise<Clip[][]> {
  const references: Clip[][] = [];
  for (const [i, prompt] of request.prompts.entries()) {
    const clips = [...(request.references?.[i] ?? [])];
    for (const file of pipeline.text.prepare(prompt, request.familyOptions).references)
      clips.push(await loadReference(request.pictures?.get(file) ?? file, pipeline.geometry(request)));
    references.push(clips);
  }
  return references;
}
