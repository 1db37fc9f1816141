/**
 * Equations 6, 8, 10 and 11 of QuantCache (Wu et al. 2025, arXiv 2503.06545) as functions of numbers.
 *
 * What is not a number falls on the careful side: no jump, the highest precision, no pruning.
 */

/** A choice of three by two rising bounds. */
export type Three<T> = readonly [T, T, T];
export type Bounds = readonly [number, number];

/** Equation 6: steps until the next recomputation; the longest below the first bound, the shortest from the second on. */
export function refreshInterval(divergence: number, [low, high]: Bounds, [longest, middle, shortest]: Three<number>) {
  if (Number.isNaN(divergence)) return 1;
  if (divergence < low) return longest;
  return divergence < high ? middle : shortest;
}

/**
 * Equation 8. `falling`, as printed: the most bits below the first bound, since a small divergence means a long jump and
 * what is computed will be reused for long. `rising`, the other sentence of the paper: the most bits from the second bound on.
 */
export function bitsFor<T>(
  divergence: number,
  [low, high]: Bounds,
  [most, middle, least]: Three<T>,
  direction: 'falling' | 'rising',
): T {
  if (Number.isNaN(divergence)) return most;
  const [below, above] = direction === 'falling' ? [most, least] : [least, most];
  if (divergence < low) return below;
  return divergence < high ? middle : above;
}

/** Equation 10: probability of pruning a layer as similar as this to the one before; `base` between the bounds. */
export function pruningProbability(similarity: number, [low, high]: Bounds, base: number): number {
  if (similarity > high) return 1;
  return similarity >= low ? base : 0;
}

/**
 * Equation 11: a temporal variation below the first bound raises the probability of pruning, above the second it lowers it.
 * The paper gives no factor.
 */
export function gatedProbability(probability: number, variation: number, [low, high]: Bounds, factor: number): number {
  if (variation < low) return Math.min(1, probability * factor);
  return variation > high ? probability / factor : probability;
}

/** A number in [0, 1) that depends on seed, step and layer alone, so that the random choice of equation 10 is reproducible. */
export function uniformAt(seed: number, step: number, layer: number): number {
  let bits = 0x9e3779b9;
  // The finaliser of MurmurHash3 after each number mixed in.
  for (const value of [seed, step, layer]) {
    bits = Math.imul(bits ^ value, 0x85ebca6b);
    bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
    bits ^= bits >>> 16;
  }
  return (bits >>> 0) / 2 ** 32;
}
