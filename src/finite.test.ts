import { expect, test } from 'vitest';
import { assertFinite } from './finite.ts';

test('one value is enough, and it is counted', () => {
  assertFinite(Float32Array.of(0, -1, 3e38), 'Fine', 'Go on.');
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])
    expect(() => assertFinite(Float32Array.of(1, value, value), 'The latents', 'Stop.')).toThrow(
      expect.objectContaining({
        code: 'not_finite',
        message: 'The latents: 2 of 3 numbers are NaN or infinite. Stop.',
      }),
    );
});
