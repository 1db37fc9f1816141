/**
 * Relative L2 error: |reference - test|_2 / |reference|_2, the figure for latents and hidden states.
 */
import { assertSameLength, type Values } from './comparable.ts';

/** How far `test` is from `reference`, in units of the reference's norm; 0 for equal inputs, infinite for a zero reference. */
export function relativeL2(reference: Values, test: Values): number {
  assertSameLength(reference, test);
  let difference = 0;
  let norm = 0;
  for (let i = 0; i < reference.length; i++) {
    difference += (reference[i]! - test[i]!) ** 2;
    norm += reference[i]! ** 2;
  }
  return difference === 0 ? 0 : Math.sqrt(difference / norm);
}
