/**
 * Masks: which pixels of a clip belong to its object. One byte per pixel, 0 or 1, frame after frame.
 * Outside the frame there is no object.
 */
import type { Frames } from '../../video/frames.ts';
import { backgroundImage } from './backgrounds.ts';

/** A difference to a background counts up to here, so that the object cannot outvote the rest. */
const clip = 0.25;
/** The largest channel difference, in [0, 1], from which a pixel belongs to the object. */
const different = Math.fround(0.17);

/** Bytes as [0, 1]. */
const unit = Float32Array.from({ length: 256 }, (_, byte) => byte / 255);

/** The one of the known backgrounds that differs least from a clip. */
export function nearestBackground({ data }: Frames, names: readonly string[]): string {
  const distance = (name: string): number => {
    const image = backgroundImage(name);
    let sum = 0;
    for (let i = 0; i < data.length; i += 3) {
      let difference = 0;
      const at = i % image.length;
      for (let channel = 0; channel < 3; channel++)
        difference += Math.abs(unit[data[i + channel]!]! - image[at + channel]!);
      sum += Math.min(difference / 3, clip);
    }
    return sum;
  };
  const distances = names.map(distance);
  return names[distances.indexOf(Math.min(...distances))]!;
}

/** The pixels of each frame that differ from a background, smoothed by a majority of 3x3. */
export function objectMasks(frames: Frames, background: string): Uint8Array[] {
  const { data, count, width, height } = frames;
  const image = backgroundImage(background);
  return Array.from({ length: count }, (_, frame) => {
    const mask = new Uint8Array(width * height);
    for (let pixel = 0; pixel < mask.length; pixel++) {
      for (let channel = 0; channel < 3; channel++) {
        const value = unit[data[frame * image.length + pixel * 3 + channel]!]!;
        const difference = Math.fround(Math.abs(value - image[pixel * 3 + channel]!));
        if (difference > different) mask[pixel] = 1;
      }
    }
    return majority(mask, width);
  });
}

/** 1 where at least five of the 3x3 pixels around are 1. */
function majority(mask: Uint8Array, width: number): Uint8Array {
  return mask.map((_, pixel) => {
    let votes = 0;
    for (let dy = -1; dy <= 1; dy++) for (let dx = -1; dx <= 1; dx++) votes += neighbour(mask, width, pixel, dx, dy);
    return votes >= 5 ? 1 : 0;
  });
}

/** 1 where a pixel and its four neighbours are 1. */
export function erode(mask: Uint8Array, width: number): Uint8Array {
  return mask.map(
    (own, pixel) =>
      own &
      neighbour(mask, width, pixel, -1, 0) &
      neighbour(mask, width, pixel, 1, 0) &
      neighbour(mask, width, pixel, 0, -1) &
      neighbour(mask, width, pixel, 0, 1),
  );
}

function neighbour(mask: Uint8Array, width: number, pixel: number, dx: number, dy: number): number {
  const x = (pixel % width) + dx;
  if (x < 0 || x >= width) return 0;
  return mask[pixel + dy * width + dx] ?? 0;
}
