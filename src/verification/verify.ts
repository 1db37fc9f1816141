/**
 * Runs reference cases and says how far each tensor is from the original's. Pass means a largest error of at most
 * `tolerance` times the largest expected value; a NaN, an infinity or a different size is a failure.
 */
import { messageOf, throwIfAborted } from '../errors.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { type Comparison, openCases, type Verifier } from './case.ts';

/** The agreement asked of a float32 port: float32 against mostly-float64 is about 1e-6, and erf-GELU is 6.5e-5 off. */
export const defaultTolerance = 2e-5;

/** What came of one tensor, or of a case that could not run at all. */
export type VerificationResult =
  | {
      readonly case: string;
      readonly kind: string;
      readonly tensor: string;
      readonly relativeError: number;
      readonly pass: boolean;
    }
  | { readonly case: string; readonly kind: string; readonly skipped: string };

export interface VerifyOptions {
  readonly verifiers: Readonly<Record<string, Verifier>>;
  readonly tolerance?: number;
  readonly signal?: AbortSignal;
}

/** Verifies every case of a folder, one result per tensor; kinds without a verifier are reported as skipped. */
export async function* verifyFolder(
  runtime: Runtime,
  folder: string,
  options: VerifyOptions,
): AsyncGenerator<VerificationResult> {
  const { verifiers, tolerance = defaultTolerance, signal } = options;
  for (const reference of await openCases(folder)) {
    const subject = { case: reference.name, kind: reference.kind };
    const verifier = verifiers[reference.kind];
    if (!verifier) {
      yield { ...subject, skipped: `no verifier for kind "${reference.kind}"` };
      continue;
    }
    try {
      for await (const comparison of verifier(runtime, reference)) {
        throwIfAborted(signal);
        const relativeError = relativeErrorOf(comparison);
        yield { ...subject, tensor: comparison.tensor, relativeError, pass: relativeError <= tolerance };
      }
    } catch (error) {
      throwIfAborted(signal);
      // A case that cannot run has failed; the others are still worth knowing.
      const pass = false;
      yield { ...subject, tensor: `(${messageOf(error)})`, relativeError: Number.POSITIVE_INFINITY, pass };
    }
  }
}

/** Largest absolute difference over largest expected magnitude; infinite where sizes differ or a number is not finite. */
export function relativeErrorOf({ expected, actual }: Comparison): number {
  if (expected.length !== actual.length) return Number.POSITIVE_INFINITY;
  let difference = 0;
  let magnitude = 0;
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(actual[i]! - expected[i]!);
    if (!(error < Number.POSITIVE_INFINITY)) return Number.POSITIVE_INFINITY;
    difference = Math.max(difference, error);
    magnitude = Math.max(magnitude, Math.abs(expected[i]!));
  }
  return difference === 0 ? 0 : difference / magnitude;
}
