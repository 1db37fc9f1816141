/** From latents to videos: what the loop ends with, and all that is needed where latents were saved before. */
import { type Clip, concatFrames, dimsOf, samplesOf, sliceFrames } from './clip.ts';
import { assertFinite, checkCheckpoint } from './finite.ts';
import type { Geometry } from './model.ts';
import { checkOptionNames, type OptionNames } from './options.ts';
import type { Pipeline } from './pipeline.ts';
import type { Runtime } from './runtime/runtime.ts';

export interface DecodeOptions {
  /** `[prompts, channels, frames, height, width]` of each loop. */
  readonly latents: readonly Float32Array[];
  readonly geometry: Geometry;
  readonly prompts: number;
  readonly signal?: AbortSignal;
}

const optionNames: OptionNames<DecodeOptions> = { latents: true, geometry: true, prompts: true, signal: true };

/** Makes one video per prompt; yields how many frames are decoded. */
export async function* decode(
  pipeline: Pipeline,
  runtime: Runtime,
  options: DecodeOptions,
): AsyncGenerator<number, Clip[]> {
  checkOptionNames(options, optionNames, 'decode()');
  const loops: Clip[][] = [];
  let before = 0;
  for (const latents of options.latents) {
    const clips = decodeLoop(pipeline, runtime, { ...options, latents });
    let next = await clips.next();
    for (; !next.done; next = await clips.next()) yield before + next.value;
    before += options.prompts * options.geometry.numFrames;
    loops.push(next.value);
  }
  return Array.from({ length: options.prompts }, (_, prompt) =>
    joinLoops(
      loops.map((clips) => clips[prompt]!),
      pipeline.pixels.overlap,
    ),
  );
}

/** The clips of one loop, one per prompt; yields how many frames are decoded. */
export async function* decodeLoop(
  pipeline: Pipeline,
  runtime: Runtime,
  { latents, geometry, prompts, signal }: Omit<DecodeOptions, 'latents'> & { readonly latents: Float32Array },
): AsyncGenerator<number, Clip[]> {
  const clips: Clip[] = [];
  let decoded = 0;
  for (const sample of samplesOf(latents, geometry.latent, prompts)) {
    const parts: Clip[] = [];
    const z = runtime.tensor(sample.data, dimsOf(sample));
    for await (const part of pipeline.pixels.decode(z, geometry.numFrames, signal)) {
      assertFinite(part.data, 'What the decoder made of finite latents', checkCheckpoint);
      parts.push(part);
      decoded += part.frames;
      yield decoded;
    }
    clips.push(concatFrames(parts));
  }
  return clips;
}

/** The clips of a loop as one: later ones begin with the end of the one before, which is dropped. */
export function joinLoops(clips: readonly Clip[], overlap: number): Clip {
  return concatFrames(clips.map((clip, loop) => (loop === 0 ? clip : sliceFrames(clip, overlap))));
}
