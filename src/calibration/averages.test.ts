import { expect, test } from 'vitest';
import { packNumbers } from '../files/numbers.ts';
import { type Averages, averagesSchema, valueAt } from '../policies/quantcache/leaping/averages.ts';
import { builtinAverages } from '../policies/quantcache/leaping/builtin.ts';
import { dot } from '../policies/quantcache/leaping/solve.ts';
import type { Measurement } from '../trace.ts';
import { averagesOf, withSurprise } from './averages.ts';
import type { PromptMeasurement } from './measurements.ts';

const timesteps = [1000, 800, 250];
/** Velocities of two prompts of two values, per step: those with the prompt and, with guidance, those without. */
const conditional = [
  [
    [3, 1],
    [2, 1],
    [1, 0],
  ],
  [
    [-1, 2],
    [0, 2],
    [1, 1],
  ],
];
const unconditional = [
  [
    [1, 1],
    [1, 0],
    [1, -1],
  ],
  [
    [2, 0],
    [1, 1],
    [3, 2],
  ],
];

/** What calibration records of such runs; nothing of their latents counts here. */
function recordOf(velocities: readonly (readonly number[])[][]): PromptMeasurement {
  const latents = Array.from({ length: timesteps.length + 1 }, (_, step) => [10 + step, step]);
  const vectors = [...latents, ...velocities.flat()];
  return {
    ...{ prompt: 'a', seed: 1, numSteps: timesteps.length, changes: [] },
    gram: vectors.map((a, row) => vectors.slice(0, row + 1).map((b) => dot(a, b))),
    latents: latents.slice(1).map((values) => packNumbers(Float32Array.from(values))),
  };
}

const difference = (a: readonly number[], b: readonly number[]) => a.map((value, i) => value - b[i]!);

test('moments are means over prompts and values of products of u and d', () => {
  const averages = averagesOf(
    conditional.map((steps, prompt) => recordOf(steps.map((c, step) => [c, unconditional[prompt]![step]!]))),
    timesteps,
  );
  expect(averagesSchema.parse(averages)).toEqual(averages);
  expect(averages.levels).toEqual([1, 0.8, 0.25]);
  const vectors = conditional.map((steps, prompt) => [
    ...unconditional[prompt]!,
    ...steps.map((c, step) => difference(c, unconditional[prompt]![step]!)),
  ]);
  for (const [i, row] of averages.products.entries())
    for (const [j, moment] of row.entries())
      expect(moment).toBeCloseTo(vectors.reduce((sum, own) => sum + dot(own[i]!, own[j]!), 0) / 4, 4);
  // Nothing of this shows how errors grow.
  expect(averages.amplification[1]).toBeCloseTo(valueAt(builtinAverages.levels, builtinAverages.amplification, 0.8), 3);
  expect(averages.surprise).toEqual([1, 1, 1]);
});

test('without guidance there is one velocity, and no direction of guidance', () => {
  const { products } = averagesOf(
    conditional.map((steps) => recordOf(steps.map((c) => [c]))),
    timesteps,
  );
  expect(products[2]).toEqual([(3 * 1 - 1 * 1 + 2 * 1) / 4, (2 * 1 + 2 * 1) / 4, (1 + 1 + 1) / 4]);
  expect(products.slice(3).flat()).toEqual(Array(15).fill(0));
});

test('surprise is the geometric mean of the difficulties near a level, and 1 where none was met', () => {
  const levels = Array.from({ length: 30 }, (_, step) => 1 - step / 30);
  const averages: Averages = { ...builtinAverages, levels };
  const met = (step: number, difficulty?: number): Measurement => ({
    ...{ step, path: '' },
    values: difficulty === undefined ? { heldBytes: 5 } : { difficulty },
  });
  const { surprise } = withSurprise(averages, [
    [met(0, 2), met(1), met(10, 0), met(10, Number.NaN), met(1, Number.POSITIVE_INFINITY)],
    [met(0, 8), met(2, 0.5)],
  ]);
  const near = Math.exp(-1); // two steps away, the weight that one step of the two has
  expect(surprise[0]).toBeCloseTo(Math.exp((Math.log(2) + Math.log(8) + near * Math.log(0.5)) / (2 + near)), 3);
  expect(surprise[2]).toBeCloseTo(Math.exp((near * (Math.log(2) + Math.log(8)) + Math.log(0.5)) / (2 * near + 1)), 3);
  expect(surprise[20]).toBe(1);
  expect(surprise).toHaveLength(30);
});
