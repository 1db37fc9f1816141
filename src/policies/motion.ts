/**
 * Motion regularisation of AdaCache (Kahatapitiya et al. 2024, arXiv 2411.02397): residuals of clips that move more, or
 * whose motion is changing, count as having changed more.
 *
 *     m  = mean over strides i of |r[i:] - r[:-i]|_1 / (|r[i:]|_1 + |r[:-i]|_1)      frames of the residual r
 *     m' = (m / a)^b / c                                                            1 outside the active steps
 *     factor = m' + |g (m' - m'_previous) / rate|
 *
 * Defaults of the original: strides [1], (a, b, c) = (0.385, 8, 1), g = 10, active in forwards 4 to 26 of 30 or 10 to 90
 * of 100. The previous value begins at 1 and is kept per node.
 */
import type { RunContext } from '../policy.ts';
import type { Tensor } from '../runtime/runtime.ts';

export interface MotionOptions {
  /** Distances between the frames compared; those that the clip is too short for are left out. */
  readonly strides: readonly number[];
  /** First and last active forward, counted from 1. */
  readonly active: readonly [number, number];
  /** (a, b, c) of the equation. */
  readonly scale: readonly [number, number, number];
  /** g of the equation. */
  readonly gradient: number;
}

/** Measures motion in residuals, remembering the previous value of each node. */
export function createMotion(
  { arithmetic, state }: Pick<RunContext, 'arithmetic' | 'state'>,
  { strides, active, scale, gradient }: MotionOptions,
) {
  const previous = state.data('motion', new Map<string, number>());
  const [center, power, divisor] = scale;

  const motionOf = async (residual: Tensor): Promise<number> => {
    const possible = strides.filter((stride) => stride < residual.dims[1]!);
    if (possible.length === 0) return 1;
    let sum = 0;
    for (const stride of possible) sum += await arithmetic.frameDifference(residual, stride);
    return (sum / possible.length / center) ** power / divisor;
  };

  return {
    /** m' and the factor for a node's new residual, at forward number `forward` under a rate of reuse. */
    async measure(path: string, residual: Tensor, forward: number, rate: number) {
      const motion = forward >= active[0] && forward <= active[1] ? await motionOf(residual) : 1;
      const change = (gradient * (motion - (previous.get(path) ?? 1))) / rate;
      if (Number.isFinite(motion)) previous.set(path, motion);
      return { motion, factor: motion + Math.abs(change) };
    },
  };
}
