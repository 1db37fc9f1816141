/**
 * The pictures that a run is conditioned on, by their content: a clip that is made again finds them where the clip lies, too,
 * and takes nothing else for them.
 */
import { createHash } from 'node:crypto';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import * as z from 'zod';
import { QuantCacheError } from '../errors.ts';
import { findBytes } from '../files/read.ts';
import type { Pipeline } from '../pipeline.ts';
import type { RunOptions } from './options.ts';

export const pictureSchema = z.strictObject({ file: z.string(), sha256: z.string() });

/** A picture's name, and the hash of its content. */
export type PictureRecord = z.output<typeof pictureSchema>;

/** A picture as it was named, and where it lies. */
export interface FoundPicture extends PictureRecord {
  readonly path: string;
}

/** A clip that is made again. */
export interface EarlierClip {
  readonly file: string;
  readonly record: { readonly pictures: readonly PictureRecord[]; readonly run: Pick<RunOptions, 'image'> };
}

/**
 * The pictures of a run: that of its options, then those that its prompts name. Those of an earlier clip are looked for from
 * the working folder, from the clip's folder and all above it, and beside the clip by their names alone. Throws `io` where
 * there is none.
 */
export function picturesOf(
  pipeline: Pick<Pipeline, 'text'>,
  { image, prompts, familyOptions }: Pick<RunOptions, 'image' | 'prompts' | 'familyOptions'>,
  earlier?: EarlierClip,
): Promise<FoundPicture[]> {
  const own = prompts.flatMap((prompt) => pipeline.text.prepare(prompt, familyOptions).references);
  const files = image === undefined ? own : [image, ...own];
  const isReplaced = image !== earlier?.record.run.image;
  return Promise.all(
    files.map((file, i) => {
      const places = earlier === undefined || (i === 0 && isReplaced) ? [file] : placesOf(file, earlier.file);
      return find(file, places, earlier?.record.pictures[i]?.sha256);
    }),
  );
}

/** Where a picture of a clip may lie, the most likely place first. */
function placesOf(file: string, clip: string): string[] {
  const folder = dirname(resolve(clip));
  const from = isAbsolute(file) ? [] : [process.cwd(), ...andAbove(folder)].map((start) => join(start, file));
  return [...new Set([file, ...from, join(folder, basename(file))])];
}

const andAbove = (folder: string): string[] =>
  dirname(folder) === folder ? [folder] : [folder, ...andAbove(dirname(folder))];

/** The first with this content, else the first that is there, which the caller may refuse. */
async function find(file: string, places: readonly string[], sha256: string | undefined): Promise<FoundPicture> {
  let other: FoundPicture | undefined;
  for (const path of places) {
    const bytes = await findBytes(path).catch((error: unknown) => {
      if (places.length === 1) throw error;
      return undefined; // a folder above that may not be read does not stand in the way
    });
    if (!bytes) continue;
    const found = { file, path, sha256: createHash('sha256').update(bytes).digest('hex') };
    if (sha256 === undefined || found.sha256 === sha256) return found;
    other ??= found;
  }
  if (other) return other;
  const todo =
    places.length === 1
      ? 'Check the path.'
      : `Looked from ${process.cwd()}, from the clip's folder and those above it. Copy it beside the clip; a picture that --image gave may be named with --image.`;
  throw new QuantCacheError('io', `There is no picture ${file}. ${todo}`);
}
