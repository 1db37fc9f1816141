/** A small synthetic clip for the tests of this folder and of metrics: a red ball moving over a colour gradient. */
import { type ClipShape, type Frames, makeFrames } from './frames.ts';

/** Frames of a ball that moves one pixel per frame to the right. */
export function movingBall(shape: ClipShape): Frames {
  const { count, height, width } = shape;
  const data = new Uint8Array(count * height * width * 3);
  let at = 0;
  for (let index = 0; index < count; index++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const inside = Math.hypot(x - width / 4 - index, y - height / 2) < height / 6;
        data[at++] = inside ? 220 : (x * 255) / width;
        data[at++] = inside ? 80 : (y * 255) / height;
        data[at++] = inside ? 80 : 128;
      }
    }
  }
  return makeFrames(data, shape);
}

/** Mean absolute difference of two byte arrays; infinite if their lengths differ. */
export function meanDifference(a: Uint8Array, b: Uint8Array): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += Math.abs(a[i]! - b[i]!);
  return sum / a.length;
}
