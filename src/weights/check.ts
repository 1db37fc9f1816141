/**
 * Compares a checkpoint with what a model needs: every missing, misshapen or wrongly typed tensor in one error.
 *
 * Invariant: extra tensors are never an error (published files carry some); they are returned for a warning.
 */
import { QuantCacheError } from '../errors.ts';
import type { Weights } from './checkpoint.ts';
import type { Dtype } from './dtypes.ts';
import { abridge } from './selection.ts';

/** How many tensors an error names of each kind. */
const namesShown = 12;

/** Names, or patterns of names. */
export type NamePatterns = readonly (string | RegExp)[];

/** What `checkWeights` may overlook. */
export interface CheckOptions {
  /** Expected tensors that may be missing (but not misshapen). */
  optional?: NamePatterns;
  /** Extra tensors that are not worth a warning. */
  ignore?: NamePatterns;
  /** Allowed types. Default: F32, F16, BF16. */
  dtypes?: readonly Dtype[];
  /** What the weights are of, for the message ("STDiT3"). */
  label?: string;
}

function matches(patterns: NamePatterns | undefined, name: string): boolean {
  return !!patterns?.some((pattern) => (typeof pattern === 'string' ? pattern === name : pattern.test(name)));
}

/**
 * Throws `weights_mismatch` unless every expected tensor is there with its shape and an allowed type.
 * @returns the names of extra tensors, those to ignore left out
 */
export function checkWeights(
  weights: Weights,
  expected: ReadonlyMap<string, readonly number[]> | Readonly<Record<string, readonly number[]>>,
  options: CheckOptions = {},
): string[] {
  const shapes = expected instanceof Map ? expected : new Map(Object.entries(expected));
  const dtypes = options.dtypes ?? ['F32', 'F16', 'BF16'];
  const missing: string[] = [];
  const misshapen: string[] = [];
  const mistyped: string[] = [];
  for (const [name, shape] of shapes) {
    if (!weights.has(name)) {
      if (!matches(options.optional, name)) missing.push(name);
      continue;
    }
    const found = weights.get(name);
    if (found.shape.length !== shape.length || found.shape.some((size, axis) => size !== shape[axis])) {
      misshapen.push(`${name} (expected [${shape.join(', ')}], found [${found.shape.join(', ')}])`);
    }
    if (!dtypes.includes(found.dtype)) mistyped.push(`${name} (expected ${dtypes.join(' or ')}, found ${found.dtype})`);
  }
  const extra = weights.names().filter((name) => !shapes.has(name) && !matches(options.ignore, name));
  if (missing.length || misshapen.length || mistyped.length) {
    const parts = [
      `The checkpoint does not fit ${options.label ?? 'the model'} of ${shapes.size} tensors.`,
      listed('Missing', missing),
      listed('Misshapen', misshapen),
      listed('Of another type', mistyped),
      listed('Extra', extra),
      'Use the checkpoint that belongs to this config.json, or correct the config.',
    ];
    throw new QuantCacheError('weights_mismatch', parts.filter(Boolean).join('\n'));
  }
  return extra;
}

function listed(title: string, items: readonly string[]): string | undefined {
  return items.length ? `${title} (${items.length}): ${abridge(items, namesShown)}.` : undefined;
}
