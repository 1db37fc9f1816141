/**
 * Peak signal-to-noise ratio: 10 log10(peak^2 / mean squared error) in decibels, over all values at once (one figure
 * per clip, not the mean of the frames' figures). Infinite for equal inputs.
 */
import { assertSameLength, type Values } from './comparable.ts';

/** PSNR in dB; `peak` is the largest possible value: 255 for bytes, 1 for floats in [0, 1], 2 for [-1, 1]. */
export function psnr(reference: Values, test: Values, peak = 255): number {
  assertSameLength(reference, test);
  let sum = 0;
  for (let i = 0; i < reference.length; i++) sum += (reference[i]! - test[i]!) ** 2;
  return 10 * Math.log10(peak ** 2 / (sum / reference.length));
}
