/**
 * Classes of distance between tokens, for the bias that T5 adds to attention scores: near distances one by one, far ones
 * in logarithmic steps. Reference: transformers, `T5Attention._relative_position_bucket`, bidirectional.
 *
 * Invariant: computed in float32, step by step as PyTorch does, because powers of two lie on a rounding edge.
 */
import type { T5Config } from './config.ts';

type BucketSizes = Pick<T5Config, 'distanceBuckets' | 'maxDistance'>;

/** The class of a key `distance` tokens after the query (before it, where negative). */
export function bucketOf(distance: number, { distanceBuckets, maxDistance }: BucketSizes): number {
  const perDirection = distanceBuckets / 2;
  const first = distance > 0 ? perDirection : 0;
  const exact = perDirection / 2; // nearer distances have a class of their own
  const magnitude = Math.abs(distance);
  if (magnitude < exact) return first + magnitude;
  const { fround, log } = Math;
  const position = fround(fround(log(fround(magnitude / exact))) / fround(log(maxDistance / exact)));
  const step = Math.trunc(fround(position * (perDirection - exact)));
  return first + Math.min(exact + step, perDirection - 1);
}

/** The class for every query (row) and key (column) of a sequence, `[length, length]`. */
export function bucketTable(length: number, sizes: BucketSizes): BigInt64Array {
  const byDistance = Array.from({ length: 2 * length - 1 }, (_, i) => BigInt(bucketOf(i - (length - 1), sizes)));
  const table = new BigInt64Array(length * length);
  for (let query = 0; query < length; query++) {
    for (let key = 0; key < length; key++) table[query * length + key] = byDistance[key - query + length - 1]!;
  }
  return table;
}
