/**
 * The best leap that averages allow, and how wrong it is expected to be.
 *
 *     leap(s, t) = sum over steps j from s to t of  h(j) (u(j) + g d(j))        h = step in the noise level, g = guidance
 *     weights    = those of the last answers' u and d that minimise the expected |leap - weighted sum|^2
 *
 * Both follow from the moments alone (`averages.ts`): linear least squares, drawn a little to the Euler step over the whole
 * gap. Such a leap is Bayesian quadrature with the moments as covariance; each has a guidance of its own, since d counts for
 * less the further it turns within the gap. The same gives the answer expected at a step, against which the network's real
 * one is held.
 */

import { type Moments, momentsAt } from './averages.ts';
import { solve } from './solve.ts';

/** A weighted sum of the last answers, the latest first, and the mean square of what it misses. */
export interface Prediction {
  /** One weight per part of the batch: conditional and unconditional, or all. */
  readonly outputs: readonly (readonly number[])[];
  readonly meanSquare: number;
}

export interface Predictor {
  /** The way from the latest of some computed steps, `history`, to a later one. */
  leap(history: readonly number[], to: number): Prediction;
  /** The guided velocity at a step. */
  answer(history: readonly number[], step: number): Prediction;
}

export interface PredictorRequest {
  readonly moments: Moments;
  /** The noise level of each step, and 0 at the end. */
  readonly levels: readonly number[];
  /** 1 or less is no guidance. */
  readonly guidanceScale: number;
}

/** The answers that a prediction is made of: more hardly help. */
export const longestHistory = 2;
/** How strongly weights are drawn to those of the Euler step, relative to the mean square of what they weigh. */
const ridge = 1e-4;

/** Predicts for one run. Predictions are kept, as a search asks for the same ones again and again. */
export function createPredictor({ moments, levels, guidanceScale }: PredictorRequest): Predictor {
  const numSteps = levels.length - 1;
  const matrix = momentsAt(moments, levels.slice(0, numSteps));
  const guided = guidanceScale > 1;
  const guidance = guided ? guidanceScale : 1;
  /** What is known of an answer, as combinations of u and d: both with guidance, else their sum. */
  const basis = guided
    ? [
        [1, 0],
        [0, 1],
      ]
    : [[1, 1]];
  const known = new Map<string, Prediction>();
  const remember = (key: string, make: () => Prediction) => {
    const found = known.get(key) ?? make();
    known.set(key, found);
    return found;
  };

  /** The best weights for the sum over steps j of `amounts[j]` times the guided velocity. */
  const predict = (history: readonly number[], amounts: ReadonlyMap<number, number>): Prediction => {
    const terms = history.flatMap((step) => basis.map((parts) => ({ step, parts })));
    const between = (step: number, parts: readonly number[], other: number, others: readonly number[]) =>
      parts.reduce(
        (sum, part, i) =>
          sum +
          part * others.reduce((row, two, j) => row + two * matrix[i * numSteps + step]![j * numSteps + other]!, 0),
        0,
      );
    const velocity = [1, guidance];
    const products = terms.map((a) => terms.map((b) => between(a.step, a.parts, b.step, b.parts)));
    const targets = terms.map(({ step, parts }) =>
      [...amounts].reduce((sum, [j, amount]) => sum + amount * between(step, parts, j, velocity), 0),
    );
    const whole = [...amounts.values()].reduce((sum, amount) => sum + amount, 0);
    const start = terms.map((_, i) => (i < basis.length ? whole * (guided ? velocity[i]! : 1) : 0));
    const pull = (ridge * products.reduce((sum, row, i) => sum + row[i]!, 0)) / products.length;
    const change = solve(
      products.map((row, i) => [
        ...row.map((value, j) => value + (i === j ? pull : 0)),
        targets[i]! - row.reduce((sum, value, j) => sum + value * start[j]!, 0),
      ]),
    );
    const weights = start.map((value, i) => value + change[i]!);
    const own = [...amounts].reduce(
      (sum, [i, a]) => sum + [...amounts].reduce((row, [j, b]) => row + a * b * between(i, velocity, j, velocity), 0),
      0,
    );
    const missed = weights.reduce(
      (sum, w, i) => sum - 2 * w * targets[i]! + w * weights.reduce((row, v, j) => row + v * products[i]![j]!, 0),
      own,
    );
    return { outputs: perPart(weights, basis.length), meanSquare: Math.max(0, missed) };
  };

  return {
    leap: (history, to) =>
      remember(`${history} to ${to}`, () => {
        const from = history[0]!;
        const steps = Array.from({ length: to - from }, (_, i) => from + i);
        return predict(history, new Map(steps.map((step) => [step, levels[step]! - levels[step + 1]!])));
      }),
    answer: (history, step) => remember(`${history} at ${step}`, () => predict(history, new Map([[step, 1]]))),
  };
}

/** Weights of u and d as those of the conditional and the unconditional part, c = u + d and u. */
const perPart = (weights: readonly number[], parts: number): number[][] =>
  Array.from({ length: weights.length / parts }, (_, i) => {
    const [first, second] = weights.slice(i * parts, (i + 1) * parts);
    return second === undefined ? [first!] : [second, first! - second];
  });
