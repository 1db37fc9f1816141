/**
 * The last residuals of each node and when they were computed, and the prediction of later ones from them.
 *
 * Prediction is the Taylor expansion of TaylorSeer (Liu et al. 2025, arXiv 2503.06923) in the step number s. With
 * derivatives estimated from the computed steps s_0 > s_1 > ... (the latest first)
 *
 *     D_0(j) = F(s_j),   D_i(j) = (D_{i-1}(j) - D_{i-1}(j+1)) / (s_j - s_{j+1})
 *     F(s) = sum over i = 0..order of D_i(0) (s - s_0)^i / i!
 *
 * every D is a weighted sum of the F(s_j), hence so is the prediction: the residuals are kept as they are, no difference
 * is ever computed, and a prediction is one fused sum with the hidden state.
 */
import type { Term } from '../runtime/arithmetic.ts';
import type { Tensor } from '../runtime/runtime.ts';
import type { RunState } from '../state.ts';

export interface History {
  /** Keeps a borrowed residual and forgets the oldest beyond the history's length. */
  observe(path: string, step: number, residual: Tensor): void;
  /** The residual expected at a later step, as a weighted sum; `undefined` where none was observed. */
  predict(path: string, step: number): Term[] | undefined;
  /** The last residual observed and its step. */
  latest(path: string): { readonly step: number; readonly residual: Tensor } | undefined;
  bytes(): number;
  dispose(): void;
}

/** A history for predictions of an order: 0 holds the last residual, 1 follows its last change, and so on. */
export function residualHistory(state: RunState, order: number): History {
  const store = state.tensors(`history ${order}`);
  const steps = state.data(`history ${order}`, new Map<string, number[]>());
  const key = (path: string, step: number) => `${path} ${step}`;
  return {
    observe(path, step, residual) {
      const known = steps.get(path) ?? [];
      if (known.length > order) store.drop(key(path, known.pop()!));
      store.keep(key(path, step), residual);
      steps.set(path, [step, ...known]);
    },
    predict(path, step) {
      const known = steps.get(path);
      if (!known) return undefined;
      const weights = taylorWeights(known, step, order);
      return known
        .slice(0, weights.length)
        .map((at, i) => ({ tensor: store.get(key(path, at))!, weight: weights[i]! }));
    },
    latest(path) {
      const [step] = steps.get(path) ?? [];
      return step === undefined ? undefined : { step, residual: store.get(key(path, step))! };
    },
    bytes: store.bytes,
    dispose: store.dispose,
  };
}

/** The weight of each residual, computed at `steps` (latest first), in the prediction for step `at`. */
export function taylorWeights(steps: readonly number[], at: number, order: number): number[] {
  const count = Math.min(order + 1, steps.length);
  // derivatives[j] holds the weights that make up D_i(j).
  let derivatives = Array.from({ length: count }, (_, j) => Array.from({ length: count }, (_, k) => Number(k === j)));
  const weights = Array<number>(count).fill(0);
  let factor = 1;
  for (let i = 0; i < count; i++) {
    if (i > 0) {
      factor *= (at - steps[0]!) / i;
      derivatives = derivatives.slice(1).map((later, j) => {
        const gap = steps[j]! - steps[j + 1]!;
        return later.map((weight, k) => (derivatives[j]![k]! - weight) / gap);
      });
    }
    for (const [k, weight] of derivatives[0]!.entries()) weights[k]! += factor * weight;
  }
  return weights;
}
