/**
 * From latents to small pictures without the decoder: every latent and its eight neighbours give the pixels of one block, by
 * weights that were fitted to what the decoder makes (`quantcache calibrate --preview`). Products of their means are weighted,
 * too: colours are not linear in latents. A frame of latents is one picture.
 */
import { join } from 'node:path';
import * as z from 'zod';
import type { Clip } from '../clip.ts';
import { QuantCacheError } from '../errors.ts';
import { findJson, saveJson } from '../files/json.ts';
import type { Pipeline } from '../pipeline.ts';
import { type Frames, makeFrames } from '../video/frames.ts';
import { assertSameWeights } from '../weights/bound.ts';

/** Latents that one block of pixels follows from: itself and those around it, in reading order. */
const neighbourhood = [-1, 0, 1].flatMap((y) => [-1, 0, 1].map((x) => ({ y, x })));

/** Values that a block follows from. */
export const valuesOf = (channels: number): number =>
  neighbourhood.length * channels + (channels * (channels + 1)) / 2 + 1;

const schema = z
  .strictObject({
    format: z.literal('quantcache-preview'),
    version: z.literal(1),
    model: z.strictObject({ name: z.string(), hash: z.string() }),
    channels: z.int().positive(),
    /** Pixels of a block's side. */
    block: z.int().positive().max(64),
    /**
     * For each value of a block, `[row, column, colour]` in reading order and in [-1, 1]: a weight for each of the
     * values that `gather` lists.
     */
    weights: z.array(z.array(z.number())),
    measured: z.record(z.string(), z.unknown()),
  })
  .refine(
    ({ channels, block, weights }) =>
      weights.length === 3 * block ** 2 && weights.every((row) => row.length === valuesOf(channels)),
    { error: 'the weights are not as many as channels and block need' },
  );

/** A fitted map, as its file has it. */
export type PreviewMap = z.output<typeof schema>;

/** Where the map of a model lies. */
export const previewFile = (folder: string): string => join(folder, 'profiles', 'preview.json');

/** Writes a map, whole or not at all. */
export async function savePreviewMap(file: string, map: Omit<PreviewMap, 'format' | 'version'>): Promise<void> {
  await saveJson(file, { format: 'quantcache-preview', version: 1, ...map });
}

/** The map of a model; undefined where it has none. Throws `corrupt_file`, and `weights_mismatch` for one of other weights. */
export async function findPreviewMap(pipeline: Pick<Pipeline, 'folder' | 'model' | 'hash'>) {
  const file = previewFile(pipeline.folder);
  const purpose = { what: 'a map for previews', todo: 'Write it with "quantcache calibrate --preview".' };
  const map = await findJson(file, schema, purpose);
  if (map) assertSameWeights(file, map.model, { name: pipeline.model, hash: await pipeline.hash() });
  return map;
}

/** As `findPreviewMap`; throws `invalid_option` where there is none. */
export async function loadPreviewMap(pipeline: Pick<Pipeline, 'folder' | 'model' | 'hash'>): Promise<PreviewMap> {
  const map = await findPreviewMap(pipeline);
  if (map) return map;
  throw new QuantCacheError(
    'invalid_option',
    `${pipeline.model} has no map for previews. Make one with "quantcache calibrate --preview", or do without them.`,
  );
}

/** The longest side of a preview's picture, where a pixel for each latent is not longer already. */
const longestSide = 256;
/** The most pictures of a preview. */
export const mostPictures = 16;

/** A map whose blocks suit latents of this size, its weights in one row. */
export interface FittingMap {
  readonly channels: number;
  readonly block: number;
  readonly weights: Float32Array;
}

/** The map with blocks so small that pictures are: the mean of some pixels is as linear as they are. */
export function fitToSize(map: Pick<PreviewMap, 'channels' | 'block' | 'weights'>, side: number): FittingMap {
  const { channels, block, weights } = map;
  const sizes = Array.from({ length: block }, (_, i) => block - i).filter((size) => block % size === 0);
  const small = sizes.find((size) => size * side <= longestSide) ?? 1;
  const step = block / small;
  const columns = weights[0]!.length;
  const means = new Float32Array(3 * small ** 2 * columns);
  for (const [i, row] of weights.entries()) {
    const [y, x] = [Math.floor(i / 3 / block / step), Math.floor((Math.floor(i / 3) % block) / step)];
    const start = ((y * small + x) * 3 + (i % 3)) * columns;
    for (const [column, weight] of row.entries()) means[start + column]! += weight / step ** 2;
  }
  return { channels, block: small, weights: means };
}

/**
 * What a block follows from: the latents around its place, `[neighbour, channel]`, those at the edge standing for those beyond
 * it, the products of their means, and 1.
 */
export function gather(latents: Clip, frame: number, y: number, x: number, into: Float32Array): void {
  const { data, channels, frames, height, width } = latents;
  let at = 0;
  for (const step of neighbourhood) {
    const row = Math.min(height - 1, Math.max(0, y + step.y));
    const column = Math.min(width - 1, Math.max(0, x + step.x));
    for (let channel = 0; channel < channels; channel++)
      into[at++] = data[((channel * frames + frame) * height + row) * width + column]!;
  }
  for (let a = 0; a < channels; a++)
    for (let b = 0; b <= a; b++) into[at++] = meanOf(into, a, channels) * meanOf(into, b, channels);
  into[at] = 1;
}

function meanOf(values: Float32Array, channel: number, channels: number): number {
  let sum = 0;
  for (let i = 0; i < neighbourhood.length; i++) sum += values[i * channels + channel]!;
  return sum / neighbourhood.length;
}

/** One picture for each frame of latents, or for some of them where there are many. */
export function drawLatents({ channels, block, weights }: FittingMap, latents: Clip, fps: number): Frames {
  const { height, width, frames } = latents;
  const count = Math.min(frames, mostPictures);
  const columns = valuesOf(channels);
  const values = new Float32Array(columns);
  const row = width * block * 3;
  const data = new Uint8Array(count * height * block * row);
  for (let picture = 0; picture < count; picture++) {
    const frame = Math.round((picture * (frames - 1)) / Math.max(1, count - 1));
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        gather(latents, frame, y, x, values);
        const corner = ((picture * height + y) * block * width + x) * block * 3;
        for (let i = 0; i < weights.length / columns; i++) {
          let sum = 0;
          for (let column = 0; column < columns; column++) sum += weights[i * columns + column]! * values[column]!;
          const inBlock = Math.floor(i / (3 * block)) * row + (i % (3 * block));
          data[corner + inBlock] = Math.min(255, Math.max(0, 127.5 * (sum + 1) + 0.5));
        }
      }
    }
  }
  return makeFrames(data, { count, height: height * block, width: width * block, fps });
}
