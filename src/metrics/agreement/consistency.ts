/**
 * Subject and background consistency: what VBench (arXiv 2311.17982, dimensions 1 and 2) reads from features of DINO and
 * CLIP, read from the pixels of the demo world instead. As there, every frame is compared with the first and with the one
 * before it, and the mean of all is taken.
 *
 *   subject      1 - the distance of the object's mean colours; 0 for a frame that shows no object
 *   background   1 - the mean distance of the pixels that belong to the object in neither frame; 0 where hardly any is left
 *
 * Distances are mean absolute differences of channels, over 255. A clip without any object has a subject consistency of 0,
 * so that an empty clip does not win; what the object looks like and how it moves is for the agreement to judge.
 */
import type { Frames } from '../../video/frames.ts';
import { segment } from './mask.ts';
import type { Vocabulary } from './vocabulary.ts';

/** Pixels; a frame with less of an object shows none. */
const minimumArea = 10;
/** The share of a frame's pixels that suffices to compare backgrounds. */
const leastBackground = 0.05;

export interface Consistency {
  readonly subject: number;
  readonly background: number;
}

/** How much a clip of the demo world stays what it is, 1 at best. Frames must be 64x64. */
export function consistency(frames: Frames, { grounds }: Pick<Vocabulary, 'grounds'>): Consistency {
  const { masks } = segment(frames, grounds);
  const colours = masks.map((mask, frame) => meanColour(frames, mask, frame));
  const same = (a: number, b: number) => 1 - colourDistance(colours[a], colours[b]);
  const still = (a: number, b: number) => 1 - backgroundDistance(frames, masks, a, b);
  return { subject: alongClip(frames.count, same), background: alongClip(frames.count, still) };
}

/** The mean over frames of their similarity to the first and to the one before; to itself for a clip of one frame. */
function alongClip(count: number, similarity: (a: number, b: number) => number): number {
  if (count === 1) return similarity(0, 0);
  let sum = 0;
  for (let frame = 1; frame < count; frame++) sum += (similarity(0, frame) + similarity(frame - 1, frame)) / 2;
  return sum / (count - 1);
}

function meanColour({ data }: Frames, mask: Uint8Array, frame: number): number[] | undefined {
  const sums = [0, 0, 0];
  let area = 0;
  for (const [pixel, own] of mask.entries()) {
    if (!own) continue;
    area++;
    for (let channel = 0; channel < 3; channel++)
      sums[channel]! += data[(frame * mask.length + pixel) * 3 + channel]! / 255;
  }
  return area < minimumArea ? undefined : sums.map((sum) => sum / area);
}

function colourDistance(a: readonly number[] | undefined, b: readonly number[] | undefined): number {
  if (!a || !b) return 1;
  return a.reduce((sum, value, channel) => sum + Math.abs(value - b[channel]!), 0) / 3;
}

function backgroundDistance({ data }: Frames, masks: readonly Uint8Array[], a: number, b: number): number {
  const size = masks[a]!.length;
  let sum = 0;
  let pixels = 0;
  for (let pixel = 0; pixel < size; pixel++) {
    if (masks[a]![pixel] || masks[b]![pixel]) continue;
    pixels++;
    for (let channel = 0; channel < 3; channel++)
      sum += Math.abs(data[(a * size + pixel) * 3 + channel]! - data[(b * size + pixel) * 3 + channel]!);
  }
  return pixels < leastBackground * size ? 1 : sum / (pixels * 3 * 255);
}
