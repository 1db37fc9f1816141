/** Files that calibration writes are bound to the weights they were measured on. */
import { QuantCacheError } from '../errors.ts';

/** A model as such a file names it: where it came from, for people, and the hash of its weights. */
export interface MeasuredModel {
  readonly name: string;
  readonly hash: string;
}

/** Throws `weights_mismatch` unless what was measured on one model is used with the same weights. */
export function assertSameWeights(what: string, measured: MeasuredModel, model: MeasuredModel): void {
  if (measured.hash === model.hash) return;
  const short = (hash: string) => hash.slice(0, 12);
  throw new QuantCacheError(
    'weights_mismatch',
    `${what} was measured on ${measured.name} (${short(measured.hash)}), not on ${model.name} (${short(model.hash)}). Calibrate this model, or do without it.`,
  );
}
