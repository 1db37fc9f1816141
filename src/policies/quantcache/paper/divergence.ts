/**
 * Equation 5 of QuantCache (Wu et al. 2025, arXiv 2503.06545):
 *
 *     D_t = ( |p_t - p_(t-k)|_1 / k ) |grad_t m_t|
 *
 * p = output of a layer, here what a module adds to the hidden state; k = distance back to the step it was computed at
 * before; grad_t m = "inter-frame gradient of the feature map". The paper leaves m open. As in AdaCache, which it cites:
 *
 *     m      = |p[1:] - p[:-1]|_1 / (|p[1:]|_1 + |p[:-1]|_1)      over frames; 1 for a single frame
 *     grad m = (m_t - m_(t-k)) / k
 *
 * Readings, as options: a bare gradient is 0 in clips that move evenly, which would stretch every jump to the longest, so by
 * default motion itself counts too, and a floor bounds both from below.
 */
import * as z from 'zod';
import type { RunContext } from '../../../policy.ts';
import type { Tensor } from '../../../runtime/runtime.ts';

/** Options of equation 5. */
export const divergenceFields = {
  distance: z
    .enum(['relative', 'absolute'])
    .default('relative')
    .describe(
      'Whether |p_t - p_(t-k)| is relative to |p_(t-k)|, or the mean over elements as the equation is printed.',
    ),
  motion: z
    .enum(['motion-and-gradient', 'gradient', 'none'])
    .default('motion-and-gradient')
    .describe('The second factor: m + |grad m|, |grad m| as printed, or 1.'),
  motionReference: z
    .number()
    .positive()
    .default(0.385)
    .describe("The motion that counts as factor 1; AdaCache's constant."),
  motionFloor: z.number().nonnegative().default(0.5).describe('The least second factor.'),
};

export type DivergenceSettings = z.output<z.ZodObject<typeof divergenceFields>>;

/** A layer's output and when it was computed before. */
export interface LayerPair {
  readonly path: string;
  readonly now: Tensor;
  readonly before: Tensor;
  /** k of the equation. */
  readonly distance: number;
}

/** Equation 5, remembering each layer's motion. */
export function createDivergence(
  { arithmetic, state }: Pick<RunContext, 'arithmetic' | 'state'>,
  settings: DivergenceSettings,
) {
  const motions = state.data('motions', new Map<string, number>());

  const motionFactor = async (path: string, now: Tensor, distance: number): Promise<number> => {
    if (settings.motion === 'none') return 1;
    const motion = now.dims[1]! > 1 ? await arithmetic.frameDifference(now, 1) : 1;
    const gradient = Math.abs(motion - (motions.get(path) ?? motion)) / distance;
    motions.set(path, motion);
    const factor = (settings.motion === 'gradient' ? gradient : motion + gradient) / settings.motionReference;
    return Math.max(settings.motionFloor, factor);
  };
  return {
    /** Notes the motion of a layer's first output. */
    begin: (path: string, now: Tensor): Promise<number> => motionFactor(path, now, 1),
    /** D of a layer, and the change that it is made of. */
    async measure({ path, now, before, distance }: LayerPair) {
      const relative = settings.distance === 'relative';
      const change = relative ? await arithmetic.relativeL1(now, before) : await arithmetic.meanAbsolute(now, before);
      const factor = await motionFactor(path, now, distance);
      return { change, factor, divergence: (change / distance) * factor };
    },
  };
}
