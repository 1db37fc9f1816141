/** Predictions held against the vectors themselves: moments are those of some velocities that are known here. */
import { describe, expect, test } from 'vitest';
import { torchGenerator } from '../../../samplers/random.ts';
import { type Combination, createPredictor, type Prediction } from './prediction.ts';
import { dot } from './solve.ts';

const levels = [1, 0.9, 0.75, 0.5, 0.2, 0];
const numSteps = levels.length - 1;
const size = 40;

/** u of each step, then d of each: near to each other along the run. */
const vectors = (() => {
  const { randn } = torchGenerator(3);
  const kind = () => {
    const [common, ...own] = Array.from({ length: numSteps + 1 }, () => [...randn(size)]);
    return own.map((values) => values.map((value, i) => common![i]! + 0.4 * value));
  };
  return [...kind(), ...kind().map((values) => values.map((value) => 0.3 * value))];
})();
const moments = {
  levels: levels.slice(0, numSteps),
  products: vectors.map((a, row) => vectors.slice(0, row + 1).map((b) => dot(a, b) / size)),
};

const sum = (combination: Combination): number[] =>
  Array.from({ length: size }, (_, i) => combination.reduce((all, factor, k) => all + factor * vectors[k]![i]!, 0));
const meanSquare = (values: readonly number[]) => dot(values, values) / size;
const velocity = (step: number, guidance: number) =>
  vectors[step]!.map((u, i) => u + guidance * vectors[numSteps + step]![i]!);
const wayOf = (from: number, to: number, guidance: number) =>
  Array.from({ length: size }, (_, i) =>
    Array.from({ length: to - from }, (_, k) => from + k).reduce(
      (all, step) => all + (levels[step]! - levels[step + 1]!) * velocity(step, guidance)[i]!,
      0,
    ),
  );

describe.each([
  ['guided', 3, 3],
  ['hardly guided', 1.5, 1.5],
  ['unguided', 1, 1],
  ['asked for less than none', 0.4, 1],
])('%s', (_, guidanceScale, guidance) => {
  const predictor = createPredictor({ moments, levels, guidanceScale });
  /** What outputs of the network give, weighted: conditional and unconditional ones, or the one that there is. */
  const made = ({ outputs }: Prediction, history: readonly number[], changed = outputs) =>
    Array.from({ length: size }, (_, i) =>
      changed.reduce((all, weights, age) => {
        const [u, d] = [vectors[history[age]!]![i]!, vectors[numSteps + history[age]!]![i]!];
        return all + weights[0]! * (u + d) + (weights[1] ?? 0) * u;
      }, 0),
    );
  const missed = (
    prediction: Prediction,
    history: readonly number[],
    wanted: readonly number[],
    changed?: number[][],
  ) => wanted.map((value, i) => value - made(prediction, history, changed)[i]!);

  /** That a prediction says what it misses, and that no other weights would miss less. */
  function expectBest(prediction: Prediction, history: readonly number[], wanted: readonly number[]): void {
    const left = missed(prediction, history, wanted);
    for (const [i, value] of sum(prediction.rest).entries()) expect(value).toBeCloseTo(left[i]!, 9);
    expect(prediction.meanSquare).toBeCloseTo(meanSquare(left), 9);
    for (const age of history.keys())
      for (const part of prediction.outputs[age]!.keys())
        for (const change of [-0.02, 0.02]) {
          const changed = prediction.outputs.map((weights) => [...weights]);
          changed[age]![part]! += change;
          expect(meanSquare(missed(prediction, history, wanted, changed))).toBeGreaterThan(prediction.meanSquare);
        }
  }

  test('the outputs are those of the parts of the batch', () => {
    const { outputs } = predictor.leap([2, 0], 4);
    expect(outputs.map((weights) => weights.length)).toEqual(guidance > 1 ? [2, 2] : [1, 1]);
  });

  test('a leap is the best sum of answers for its way, and says what it misses', () => {
    expectBest(predictor.leap([1], 4), [1], wayOf(1, 4, guidance));
    expectBest(predictor.leap([2, 0], 5), [2, 0], wayOf(2, 5, guidance));
  });

  test('with what the leaps before missed, for both', () => {
    const { rest } = predictor.leap([0], 2);
    const wanted = wayOf(2, 4, guidance).map((value, i) => value + sum(rest)[i]!);
    expectBest(predictor.leap([2, 0], 4, rest), [2, 0], wanted);
  });

  test('an answer is predicted as the guided velocity', () => {
    expectBest(predictor.answer([2, 0], 3), [2, 0], velocity(3, guidance));
    // One that is known is what it is, but for the pull of the weights.
    expect(predictor.answer([2], 2).meanSquare).toBeLessThan(1e-6);
  });

  test('the error of a leap from one answer is what that leap misses', () => {
    for (const [from, to] of [
      [0, 2],
      [0, 5],
      [1, 3],
      [3, 5],
    ] as const)
      expect(predictor.error(from, to)).toBeCloseTo(predictor.leap([from], to).meanSquare, 6);
  });

  test('strength is that of the direction of guidance, or of the velocity where there is none', () => {
    const own = guidance > 1 ? vectors[numSteps + 1]! : velocity(1, 1);
    expect(predictor.strength(1)).toBeCloseTo(meanSquare(own), 9);
  });
});

test('where the moments say nothing of guidance, it is that of the Euler step', () => {
  const products = moments.products.map((row, i) => row.map((value, j) => (Math.max(i, j) >= numSteps ? 0 : value)));
  const predictor = createPredictor({ moments: { ...moments, products }, levels, guidanceScale: 3 });
  const [[conditional]] = predictor.leap([1], 4).outputs as [[number, number]];
  expect(conditional).toBeCloseTo(3 * (levels[1]! - levels[4]!), 9);
});
