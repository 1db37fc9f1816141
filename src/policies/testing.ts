/**
 * Measures the table that schedules are made from: a policy that computes everything and notes, for each step s and gap
 * g, how far off the residual of step s + g would be if it were held, or extrapolated, from computed steps up to s.
 *
 *     E(s, g) = |p(s, g) - r(s + g)|_1 / |r(s + g)|_1          r = the whole step's residual, p = its prediction
 *
 * Order 0 predicts r(s). Order 1 follows the line through r(s - 1) and r(s), the nearest that a table of pairs can hold;
 * a run extrapolates over the gaps it really has. Average tables of several prompts element by element.
 */
import type { Policy } from '../policy.ts';
import { release } from '../runtime/sharing.ts';
import { taylorWeights } from './history.ts';

export interface ErrorTableOptions {
  /** The largest gap measured; as many residuals are held. */
  readonly maxGap: number;
  /** 0 holds, 1 extrapolates. Default 0. */
  readonly order?: 0 | 1;
  /** Called with each E(s, g) as soon as it is known. */
  onError(step: number, gap: number, error: number): void;
}

/** A policy that accelerates nothing and measures what could be. */
export function errorTable({ maxGap, order = 0, onError }: ErrorTableOptions): Policy {
  return {
    name: 'error-table',
    begin({ arithmetic, state }) {
      const kept = state.tensors('residuals');
      const measure = async (from: number, step: number) => {
        const [last, before] = [kept.get(String(from)), kept.get(String(from - 1))];
        const now = kept.get(String(step))!;
        if (!last) return;
        if (order === 0 || !before) return onError(from, step - from, await arithmetic.relativeL1(last, now));
        const [weight, weightBefore] = taylorWeights([from, from - 1], step, 1);
        const predicted = await arithmetic.combine([
          { tensor: last, weight: weight! },
          { tensor: before, weight: weightBefore! },
        ]);
        onError(from, step - from, await arithmetic.relativeL1(predicted, now));
        release(predicted);
      };
      return {
        decide: () => undefined,
        wants: (node) => node.level === 'step',
        async observe({ step }, residual) {
          kept.keep(String(step), residual);
          for (let gap = 1; gap <= maxGap; gap++) await measure(step - gap, step);
          kept.drop(String(step - maxGap - order));
        },
        heldBytes: kept.bytes,
        dispose: kept.dispose,
      };
    },
  };
}
