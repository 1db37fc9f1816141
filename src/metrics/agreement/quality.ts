/**
 * Imaging and object quality: what VBench (arXiv 2311.17982) asks of learned judges of pictures, MUSIQ for imaging quality
 * and LAION's predictor for aesthetic quality, asked of the pixels of the demo world instead, whose right answer is known.
 *
 *   imaging   1 - the mean distance of the pixels outside of the object from the nearest of the background's colours
 *   object    1 - the mean distance of the object's inner pixels from one colour of the palette, lit as the world lights it
 *
 * Distances are mean absolute differences of channels, over 255. Beauty has no counterpart in a world of flat shapes:
 * `object` stands in its place and is named for what it is. Frames without background or object count as 0.
 */
import type { Frames } from '../../video/frames.ts';
import { eroded, segment } from './mask.ts';
import type { Vocabulary } from './vocabulary.ts';

/** Inner pixels; a frame with less of an object shows none. */
const minimumArea = 4;
/** The share of a frame's pixels that suffices to judge the background. */
const leastBackground = 0.05;
/** How dark and how bright the world's light makes a colour (`shade` in `training/world.py`). */
const [darkest, brightest] = [0.88, 1.12];

export interface Quality {
  readonly imaging: number;
  readonly object: number;
}

/** How cleanly a clip of the demo world is drawn, 1 at best. Frames must be 64x64. */
export function quality(frames: Frames, { grounds, palette }: Pick<Vocabulary, 'grounds' | 'palette'>): Quality {
  const { masks, difference } = segment(frames, grounds);
  const inner = masks.map((mask) => eroded(mask, frames.width));
  return {
    imaging: meanOf(masks, (mask, frame) => 1 - backgroundDistance(difference, mask, frame)),
    // One colour for the whole clip: an object that changes its colour is not as well drawn as one that keeps it.
    object: Math.max(
      ...Object.values(palette).map((colour) =>
        meanOf(inner, (mask, frame) => 1 - colourDistance(frames, mask, frame, colour)),
      ),
    ),
  };
}

const meanOf = (masks: readonly Uint8Array[], value: (mask: Uint8Array, frame: number) => number): number =>
  masks.reduce((sum, mask, frame) => sum + value(mask, frame), 0) / masks.length;

function backgroundDistance(difference: Float32Array, mask: Uint8Array, frame: number): number {
  let sum = 0;
  let pixels = 0;
  for (let pixel = 0; pixel < mask.length; pixel++) {
    if (mask[pixel]) continue;
    pixels++;
    sum += difference[frame * mask.length + pixel]!;
  }
  return pixels < leastBackground * mask.length ? 1 : sum / pixels;
}

function colourDistance({ data }: Frames, mask: Uint8Array, frame: number, colour: readonly number[]): number {
  const strength = colour.reduce((sum, value) => sum + value * value, 0);
  let sum = 0;
  let pixels = 0;
  for (let pixel = 0; pixel < mask.length; pixel++) {
    if (!mask[pixel]) continue;
    pixels++;
    const start = (frame * mask.length + pixel) * 3;
    const along = colour.reduce((dot, value, channel) => dot + value * data[start + channel]!, 0) / strength;
    const light = Math.min(brightest, Math.max(darkest, along));
    for (let channel = 0; channel < 3; channel++)
      sum += Math.abs(data[start + channel]! - Math.min(255, light * colour[channel]!)) / 255;
  }
  return pixels < minimumArea ? 1 : sum / (pixels * 3);
}
