/** Numbers that must be numbers: NaN and infinity end a run where they appear, before they turn into a finite picture. */
import { QuantCacheError } from './errors.ts';

/** How many values are NaN or infinite. */
export function countNotFinite(values: Float32Array): number {
  let count = 0;
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i]!)) count++;
  return count;
}

/** Throws `not_finite` where some of the values are not numbers; `what` begins the message, `todo` ends it. */
export function assertFinite(values: Float32Array, what: string, todo: string): void {
  const count = countNotFinite(values);
  if (count > 0)
    throw new QuantCacheError(
      'not_finite',
      `${what}: ${count} of ${values.length} numbers are NaN or infinite. ${todo}`,
    );
}

/** What to do where a stage of a run gave what is no number. */
export const checkCheckpoint = 'Check the checkpoint, or try another seed.';
