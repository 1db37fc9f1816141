/** How alike two clips are, frame by frame: peak signal-to-noise ratio of their decoded pixels. */
import type { Frames } from '../clip/frames.ts';

/** Equal frames have no finite ratio; they are shown at this one. */
export const equalDecibels = 120;

/** The ratio of two pictures of RGBA bytes, in dB; alpha does not count. */
export function psnr(a: Uint8ClampedArray, b: Uint8ClampedArray): number {
  let sum = 0;
  for (let i = 0; i < a.length; i += 4)
    for (let channel = i; channel < i + 3; channel++) sum += (a[channel]! - b[channel]!) ** 2;
  const mean = sum / ((a.length / 4) * 3);
  return mean === 0 ? equalDecibels : 10 * Math.log10(255 ** 2 / mean);
}

/** Of two whole clips: the ratio of all their pixels, and of each frame. Undefined where they cannot be compared. */
export interface Fidelity {
  readonly all: number;
  readonly frames: readonly number[];
}

/** Measures two clips of one size and length; undefined for others, and for those that were reduced to fit into memory. */
export function fidelityOf(a: Frames, b: Frames): Fidelity | undefined {
  const { width, height } = a;
  if (a.reduced || b.reduced || width !== b.width || height !== b.height || a.images.length !== b.images.length)
    return undefined;
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })!;
  const pixels = (image: ImageBitmap) => {
    context.drawImage(image, 0, 0);
    return context.getImageData(0, 0, width, height).data;
  };
  const frames = a.images.map((image, i) => psnr(pixels(image), pixels(b.images[i]!)));
  // Of the mean error, not the mean of the ratios, which one equal frame would lift without bound.
  const error =
    frames.reduce((sum, ratio) => sum + (ratio >= equalDecibels ? 0 : 10 ** (-ratio / 10)), 0) / frames.length;
  return { all: error === 0 ? equalDecibels : -10 * Math.log10(error), frames };
}

/** In words. */
export const decibels = (ratio: number): string => (ratio >= equalDecibels ? 'identical' : `${ratio.toFixed(1)} dB`);
