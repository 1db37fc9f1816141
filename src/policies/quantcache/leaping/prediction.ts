/**
 * The best leap that averages allow, and how wrong it is expected to be.
 *
 *     way(s, t) = sum over steps j from s to t of  h(j) (u(j) + g d(j))        h = step in the noise level, g = guidance
 *     leap      = the weighted sum of the last answers' u and d that minimises the expected  |way(s, t) + rest - leap|^2
 *     rest      = what the leaps before have missed of their ways, as far as later answers show it
 *
 * All of it follows from the moments alone (`averages.ts`): ways, leaps and rests are sums of u and d at the steps, and their
 * products are known. So each leap also mends those before it, as a corrector does, and each has a guidance of its own, since
 * d counts for less the further it turns within the gap. Weights are drawn a little to those of the Euler step. In other
 * words: Bayesian quadrature, with measured moments as covariance. Our definition.
 */
import { type Moments, momentsAt } from './averages.ts';
import { dot, fitWeights } from './solve.ts';
import { productsOfWays } from './ways.ts';

/** A sum over steps: one factor for u of every step, then one for d. */
export type Combination = readonly number[];

/** A weighted sum of answers, the latest first. */
export interface Prediction {
  /** One weight per part of the batch: conditional and unconditional, or all. */
  readonly outputs: readonly (readonly number[])[];
  /** What it misses, and the mean square of that. */
  readonly rest: Combination;
  readonly meanSquare: number;
}

export interface Predictor {
  /** The way from the latest of some computed steps, `history`, to a later one, and what is left of the ways before. */
  leap(history: readonly number[], to: number, rest?: Combination): Prediction;
  /** The guided velocity at a step, from answers at others. */
  answer(history: readonly number[], step: number): Prediction;
  /** Mean square of the direction of guidance at a step; without guidance, of the velocity. */
  strength(step: number): number;
  /** Mean square of what a leap made from one answer alone misses of its way. */
  error(from: number, to: number): number;
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

/** Predicts for one run. */
export function createPredictor({ moments, levels, guidanceScale }: PredictorRequest): Predictor {
  const numSteps = levels.length - 1;
  const matrix = momentsAt(moments, levels.slice(0, numSteps));
  const guided = guidanceScale > 1;
  const velocity = [1, guided ? guidanceScale : 1] as const;
  /** What is known of an answer, by its factors of u and d: both of them with guidance, else their sum. */
  const parts: readonly (readonly [number, number])[] = guided
    ? [
        [1, 0],
        [0, 1],
      ]
    : [[1, 1]];

  const none = (): number[] => Array<number>(2 * numSteps).fill(0);
  const add = (sum: number[], step: number, [u, d]: readonly [number, number], factor: number) => {
    sum[step]! += factor * u;
    sum[numSteps + step]! += factor * d;
  };
  const wayOf = (from: number, to: number): number[] => {
    const way = none();
    for (let step = from; step < to; step++) add(way, step, velocity, levels[step]! - levels[step + 1]!);
    return way;
  };
  const product = (a: Combination, b: Combination): number => {
    const places = b.flatMap((y, j) => (y === 0 ? [] : [j])); // most are zeros
    return a.reduce(
      (sum, x, i) => (x === 0 ? sum : sum + x * places.reduce((row, j) => row + b[j]! * matrix[i]![j]!, 0)),
      0,
    );
  };

  /** The weights of an Euler step's answer. */
  const startOf = (whole: number): number[] => parts.map((_, i) => whole * (guided ? velocity[i]! : 1));

  /** The best weights for a combination; `whole` is the factor that an Euler step would give the latest answer. */
  const predict = (history: readonly number[], wanted: Combination, whole: number): Prediction => {
    const terms = history.flatMap((step) =>
      parts.map((part) => {
        const term = none();
        add(term, step, part, 1);
        return term;
      }),
    );
    const products = terms.map((a) => terms.map((b) => product(a, b)));
    const start = terms.map((_, i) => startOf(whole)[i] ?? 0);
    const weights = fitWeights({ products, targets: terms.map((term) => product(term, wanted)), start });
    const rest = wanted.map((value, k) => value - weights.reduce((sum, weight, i) => sum + weight * terms[i]![k]!, 0));
    return { outputs: perBatchPart(weights, parts.length), rest, meanSquare: Math.max(0, product(rest, rest)) };
  };

  const leap: Predictor['leap'] = (history, to, rest) => {
    const way = wayOf(history[0]!, to);
    const wanted = rest ? way.map((value, k) => value + rest[k]!) : way;
    return predict(history, wanted, levels[history[0]!]! - levels[to]!);
  };
  const ways = productsOfWays(matrix, levels, velocity);
  return {
    leap,
    answer(history, step) {
      const wanted = none();
      add(wanted, step, velocity, 1);
      return predict(history, wanted, 1);
    },
    strength(step) {
      const wanted = none();
      add(wanted, step, guided ? [0, 1] : velocity, 1);
      return product(wanted, wanted);
    },
    error(from, to) {
      const at = [from, numSteps + from];
      const sumOver = (part: readonly number[], value: (kind: number) => number) =>
        part.reduce((sum, factor, kind) => (factor === 0 ? sum : sum + factor * value(kind)), 0);
      const products = parts.map((a) =>
        parts.map((b) => sumOver(a, (i) => sumOver(b, (j) => matrix[at[i]!]![at[j]!]!))),
      );
      const targets = parts.map((part) => sumOver(part, (kind) => ways.withAnswer(at[kind]!, from, to)));
      const weights = fitWeights({ products, targets, start: startOf(levels[from]! - levels[to]!) });
      const explained = weights.reduce(
        (sum, weight, i) => sum + weight * (2 * targets[i]! - dot(weights, products[i]!)),
        0,
      );
      return Math.max(0, ways.withItself(from, to) - explained);
    },
  };
}

/** Weights of u and d as those of the conditional and the unconditional part, c = u + d and u. */
const perBatchPart = (weights: readonly number[], parts: number): number[][] =>
  Array.from({ length: weights.length / parts }, (_, i) => {
    const [first, second] = weights.slice(i * parts, (i + 1) * parts);
    return second === undefined ? [first!] : [second, first! - second];
  });
