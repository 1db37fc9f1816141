/** Where the object of a clip of the demo world goes, whatever it is. */
import type { Frames } from '../../video/frames.ts';
import { areaOf, segment } from './mask.ts';
import type { Vocabulary } from './vocabulary.ts';

/** Pixels; frames that show less of an object are left out. */
const minimumArea = 10;

/** The edges of the rectangle that the object stays in through the whole clip, in pixels. */
export interface Track {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** The way of a clip's only object; undefined where no frame shows one. Frames must be 64x64. */
export function readTrack(frames: Frames, { grounds }: Pick<Vocabulary, 'grounds'>): Track | undefined {
  const { width } = frames;
  let [left, right, top, bottom] = [Number.POSITIVE_INFINITY, 0, Number.POSITIVE_INFINITY, 0];
  for (const mask of segment(frames, grounds).masks) {
    if (areaOf(mask) < minimumArea) continue;
    for (const [pixel, own] of mask.entries()) {
      if (!own) continue;
      const [x, y] = [pixel % width, Math.floor(pixel / width)];
      [left, right] = [Math.min(left, x), Math.max(right, x + 1)];
      [top, bottom] = [Math.min(top, y), Math.max(bottom, y + 1)];
    }
  }
  return right > left ? { left, right, top, bottom } : undefined;
}
