/**
 * Two things can be compared only if they have the same shape; every metric here says so in the same words.
 */
import { QuantCacheError } from '../errors.ts';
import type { Frames } from '../video/frames.ts';

/** Values that metrics take: bytes (0 to 255) or floats. */
export type Values = Uint8Array | Float32Array;

/** Throws `invalid_option` unless both have as many values, and at least one. */
export function assertSameLength(reference: Values, test: Values): void {
  if (reference.length === test.length && reference.length > 0) return;
  throw new QuantCacheError(
    'invalid_option',
    `Cannot compare ${reference.length} values with ${test.length}: give two results of the same, non-empty shape.`,
  );
}

/** Throws `invalid_option` unless both clips have the same number and size of frames. */
export function assertSameShape(reference: Frames, test: Frames): void {
  const shape = ({ count, width, height }: Frames) => `${count} frames of ${width}x${height}`;
  if (shape(reference) === shape(test)) return;
  throw new QuantCacheError(
    'invalid_option',
    `Cannot compare ${shape(reference)} with ${shape(test)}: make both with the same size and number of frames.`,
  );
}
