/**
 * Runs reference cases and says how far each tensor is from the original's. Pass means a largest error of at most
 * `tolerance` times the largest expected value; a NaN, an infinity or a different size is a failure.
 */

import * as z from 'zod';
import { messageOf, QuantCacheError, throwIfAborted } from '../errors.ts';
import { checkOptionNames, type OptionNames } from '../options.ts';
import { createPolicy } from '../policies/index.ts';
import { issuesOf } from '../refusals.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { type Comparison, openCases, type ReferenceCase, type Verifier } from './case.ts';

/** The agreement asked of a float32 port: float32 against mostly-float64 is about 1e-6, and erf-GELU is 6.5e-5 off. */
export const defaultTolerance = 2e-5;

/** What came of one tensor, or of a case that compared nothing. */
export type VerificationResult = Subject & (TensorResult | { readonly pass: false; readonly reason: string });

interface Subject {
  readonly case: string;
  readonly kind: string;
}

/** How far a tensor is from the original's. */
export interface TensorResult {
  readonly pass: boolean;
  readonly tensor: string;
  readonly relativeError: number;
}

export interface VerifyOptions {
  readonly verifiers: Readonly<Record<string, Verifier>>;
  readonly tolerance?: number;
  readonly signal?: AbortSignal;
}

const optionNames: OptionNames<VerifyOptions> = { verifiers: true, tolerance: true, signal: true };

/** Verifies every case of a folder, one result per tensor. What compares nothing has failed. */
export async function* verifyFolder(
  runtime: Runtime,
  folder: string,
  options: VerifyOptions,
): AsyncGenerator<VerificationResult> {
  checkOptionNames(options, optionNames, 'verifyFolder()');
  for (const reference of await openCases(folder)) {
    const subject = { case: reference.name, kind: reference.kind };
    let compared = 0;
    try {
      for await (const result of verifyCase(runtime, reference, options)) {
        compared++;
        yield { ...subject, ...result };
      }
      if (compared === 0) yield { ...subject, pass: false, reason: 'it has nothing to compare' };
    } catch (error) {
      throwIfAborted(options.signal);
      // A case that cannot run has failed; the others are still worth knowing.
      const reason = error instanceof z.ZodError ? issuesOf(error) : messageOf(error);
      yield { ...subject, pass: false, reason };
    }
  }
}

/** Verifies one case, tensor by tensor. Throws `unsupported_format` for a kind that nothing computes. */
export async function* verifyCase(
  runtime: Runtime,
  reference: ReferenceCase,
  { verifiers, tolerance = defaultTolerance, signal }: VerifyOptions,
): AsyncGenerator<TensorResult> {
  const { kind } = reference;
  const verifier = Object.hasOwn(verifiers, kind) ? verifiers[kind] : undefined;
  if (!verifier) {
    const known = Object.keys(verifiers).join(', ');
    throw new QuantCacheError('unsupported_format', `the kind "${kind}" is not known; known are ${known}`);
  }
  for await (const comparison of verifier(runtime, reference, createPolicy)) {
    throwIfAborted(signal);
    const relativeError = relativeErrorOf(comparison);
    yield { pass: relativeError <= tolerance, tensor: comparison.tensor, relativeError };
  }
}

/** Largest absolute difference over largest expected magnitude; infinite where sizes differ or a number is not finite. */
export function relativeErrorOf({ expected, actual }: Comparison): number {
  if (expected.length !== actual?.length) return Number.POSITIVE_INFINITY;
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
