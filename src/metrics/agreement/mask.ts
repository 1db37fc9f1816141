/**
 * Masks: which pixels of a clip belong to its objects. One byte per pixel, 0 or 1, a mask per frame. Outside the frame
 * there is no object.
 *
 * A background is known by the colours that it is made of, not by a picture: where its stars, squares and clouds are is
 * left to chance. Differences are computed in float32, as `training/reader.py` does, so that a pixel at the threshold falls
 * on the same side in both languages.
 */
import type { Frames } from '../../video/frames.ts';

/** Height and width of the demo world in pixels. */
export const worldSize = 64;

/** A difference to a background counts up to here, so that objects cannot outvote the rest. */
const clip = 0.25;
/** The largest channel difference, in [0, 1], from which a pixel belongs to an object. */
const different = Math.fround(0.17);

/** Bytes as [0, 1]. */
const unit = Float32Array.from({ length: 256 }, (_, byte) => byte / 255);

/** The colours of each background, 0 to 255. */
export type Grounds = Readonly<Record<string, readonly (readonly [number, number, number])[]>>;

interface Distances {
  /** Of each pixel to the nearest colour: the mean and the largest difference of its channels, in [0, 1]. */
  readonly mean: Float32Array;
  readonly largest: Float32Array;
}

function distancesTo(colours: Grounds[string], { data }: Frames): Distances {
  const points = colours.map((colour) => colour.map((value) => Math.fround(Math.fround(value) / 255)));
  const mean = new Float32Array(data.length / 3).fill(Infinity);
  const largest = new Float32Array(data.length / 3).fill(Infinity);
  for (let pixel = 0; pixel < mean.length; pixel++)
    for (const point of points) {
      let sum = 0;
      let most = 0;
      for (let channel = 0; channel < 3; channel++) {
        const difference = Math.abs(Math.fround(unit[data[pixel * 3 + channel]!]! - point[channel]!));
        sum = Math.fround(sum + difference);
        most = Math.max(most, difference);
      }
      mean[pixel] = Math.min(mean[pixel]!, sum / 3);
      largest[pixel] = Math.min(largest[pixel]!, most);
    }
  return { mean, largest };
}

/** What a clip consists of: its background, and where it differs from that, a mask per frame. */
export interface Segments {
  readonly background: string;
  readonly masks: readonly Uint8Array[];
  /** The mean difference of each pixel of the clip to its background's nearest colour, in [0, 1]. */
  readonly difference: Float32Array;
}

/** Finds the background whose colours the pixels are nearest to, and what is not of these colours. */
export function segment(frames: Frames, grounds: Grounds): Segments {
  const all = Object.entries(grounds).map(([name, colours]) => ({ name, ...distancesTo(colours, frames) }));
  const sums = all.map(({ mean }) => mean.reduce((sum, value) => sum + Math.min(value, clip), 0));
  const nearest = all[sums.indexOf(Math.min(...sums))]!;
  const size = frames.width * frames.height;
  const masks = Array.from({ length: frames.count }, (_, frame) => {
    const largest = nearest.largest.subarray(frame * size, (frame + 1) * size);
    return opened(
      Uint8Array.from(largest, (value) => (value > different ? 1 : 0)),
      frames.width,
    );
  });
  return { background: nearest.name, masks, difference: nearest.mean };
}

/** 1 where all 3x3 pixels around are 1. */
export const eroded = (mask: Uint8Array, width: number): Uint8Array =>
  mask.map((_, pixel) => (around(mask, width, pixel) === 9 ? 1 : 0));

/** 1 where any of the 3x3 pixels around is 1. */
export const dilated = (mask: Uint8Array, width: number): Uint8Array =>
  mask.map((_, pixel) => (around(mask, width, pixel) > 0 ? 1 : 0));

/** A mask without what is smaller than 3x3 pixels. */
export const opened = (mask: Uint8Array, width: number): Uint8Array => dilated(eroded(mask, width), width);

/** How many of the 3x3 pixels around are 1. */
function around(mask: Uint8Array, width: number, pixel: number): number {
  const column = pixel % width;
  let count = 0;
  for (let dx = -1; dx <= 1; dx++) {
    if (column + dx < 0 || column + dx >= width) continue;
    for (let dy = -width; dy <= width; dy += width) count += mask[pixel + dx + dy] ?? 0;
  }
  return count;
}

/** How many pixels of a mask are 1. */
export const areaOf = (mask: Uint8Array): number => mask.reduce((sum, value) => sum + value, 0);
