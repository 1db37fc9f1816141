import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dot, fitWeights } from '../policies/quantcache/leaping/solve.ts';
import { bestSteps, entryOf, eulerWeights, type PlanRequest, partsOf } from './plan.ts';
import { vectorIndex } from './record.ts';

/** A run without guidance whose velocities at each step are given, by Euler steps of equal length. */
function spaceOf(velocities: readonly (readonly number[])[]): Omit<PlanRequest, 'budget'> {
  const numSteps = velocities.length;
  const latents = [[5, -3, 1]];
  for (const velocity of velocities) latents.push(latents.at(-1)!.map((value, i) => value + velocity[i]! / numSteps));
  const vectors = [...latents, ...velocities];
  return {
    gram: vectors.map((a, row) => vectors.slice(0, row + 1).map((b) => dot(a, b))),
    timesteps: velocities.map((_, step) => 1000 * (1 - step / numSteps)),
    guidanceScale: 1,
  };
}

const jumpAt = (step: number) => Array.from({ length: 12 }, (_, s) => (s < step ? [1, 0, 0] : [0, 1, 2]));

test('a change is computed where it happens', () => {
  expect(bestSteps({ ...spaceOf(jumpAt(7)), budget: 2 })).toEqual([0, 7]);
  expect(bestSteps({ ...spaceOf(jumpAt(3)), budget: 2 })).toEqual([0, 3]);
});

test('as many steps are computed as the budget says, rising from the first', () => {
  const curve = Array.from({ length: 12 }, (_, s) => [Math.sin(s), Math.cos(s / 2), s ** 2 / 40]);
  for (const budget of [1, 2, 5, 12]) {
    const steps = bestSteps({ ...spaceOf(curve), budget });
    expect(steps).toHaveLength(budget);
    expect(steps[0]).toBe(0);
    expect(steps).toEqual([...new Set(steps)].sort((a, b) => a - b));
  }
});

test('refuses a budget that is no number of steps', () => {
  for (const budget of [0, 13, 1.5]) expect(() => bestSteps({ ...spaceOf(jumpAt(7)), budget })).toThrow(/1 to 12/);
});

test('the weights to start from are those of an Euler step over the gap, guidance included', () => {
  const timesteps = [1000, 800, 500, 100];
  expect(eulerWeights(timesteps, { from: 1, to: 3, guidanceScale: 1, count: 2 })).toEqual([1, 0.7, 0]);
  const guided = eulerWeights(timesteps, { from: 2, to: 4, guidanceScale: 3, count: 1 });
  expect(guided).toEqual([1, 1.5, -1]);
});

test('weights come closest to the target, and stay where they start in directions that do not matter', () => {
  const vectors = [
    [1, 0, 0],
    [0, 2, 0],
    [0, 0, 0],
  ];
  const target = [3, 4, 0];
  const weights = fitWeights({
    products: vectors.map((a) => vectors.map((b) => dot(a, b))),
    targets: vectors.map((a) => dot(a, target)),
    start: [0, 0, 7],
  });
  expect(weights[0]).toBeCloseTo(3, 2);
  expect(weights[1]).toBeCloseTo(2, 2);
  expect(weights[2]).toBe(7);
});

test('an entry of a plan has the weights of outputs by the share of the way, one list per output', () => {
  expect(entryOf(4, [0.9, 0.5, -0.25, 0.125, 0], { parts: 2, share: 0.5 })).toEqual({
    step: 4,
    latents: 0.9,
    outputs: [
      [1, -0.5],
      [0.25, 0],
    ],
  });
  expect(entryOf(0, [1], { parts: 1, share: 0.5 })).toEqual({ step: 0, latents: 1, outputs: [] });
});

test('a batch has two parts with guidance and one without', () => {
  expect([0, 1, 1.001, 7].map(partsOf)).toEqual([1, 1, 2, 2]);
});

test('of many histories the best are followed', () => {
  // Three changes: whoever computes the steps at which they happen makes no error.
  const velocities = Array.from({ length: 12 }, (_, s) => [s < 3 ? 1 : 0, s >= 3 && s < 6 ? 2 : 0, s >= 9 ? -3 : 0]);
  expect(bestSteps({ ...spaceOf(velocities), budget: 4 })).toEqual([0, 3, 6, 9]);
  expect(bestSteps({ ...spaceOf(velocities), budget: 4, beam: 1 })).toEqual([0, 3, 6, 9]);
});

/** A run of `velocities[step][part]`, guided as the sampler does it, and its vectors in the order of `vectorIndex`. */
function runOf(velocities: readonly (readonly (readonly number[])[])[], guidanceScale: number) {
  const numSteps = velocities.length;
  const latents = [velocities[0]![0]!.map((_, i) => Math.cos(i))];
  for (const [conditional, unconditional] of velocities) {
    const velocity = conditional!.map((value, i) =>
      unconditional ? unconditional[i]! + guidanceScale * (value - unconditional[i]!) : value,
    );
    latents.push(latents.at(-1)!.map((value, i) => value + velocity[i]! / numSteps));
  }
  return {
    vectors: [...latents, ...velocities.flat()],
    timesteps: velocities.map((_, step) => 1000 * (1 - step / numSteps)),
    guidanceScale,
  };
}

type GuidedRun = ReturnType<typeof runOf>;

/** What a plan costs, from the vectors themselves: how far each leap ends from where the run was. */
function costOf({ vectors, timesteps, guidanceScale }: GuidedRun, steps: readonly number[]): number {
  const numSteps = timesteps.length;
  const index = vectorIndex(numSteps, partsOf(guidanceScale));
  const error = (last: number) => {
    const [from, to] = [steps[last]!, steps[last + 1] ?? numSteps];
    if (to === from + 1) return 0;
    const used = steps.slice(Math.max(0, last - 2), last + 1).reverse();
    const parts = partsOf(guidanceScale) === 2 ? [0, 1] : [0];
    const known = [
      vectors[index.latents(from)]!,
      ...used.flatMap((step) => parts.map((part) => vectors[index.velocity(step, part)]!)),
    ];
    const target = vectors[index.latents(to)]!;
    const weights = fitWeights({
      products: known.map((a) => known.map((b) => dot(a, b))),
      targets: known.map((a) => dot(a, target)),
      start: eulerWeights(timesteps, { from, to, guidanceScale, count: used.length }),
    });
    return Math.hypot(
      ...target.map(
        (value, i) =>
          value -
          dot(
            weights,
            known.map((vector) => vector[i]!),
          ),
      ),
    );
  };
  return steps.reduce((sum, _, last) => sum + error(last), 0);
}

/** All sets of so many steps that hold the first. */
function plansOf(numSteps: number, budget: number, chosen: readonly number[] = [0]): number[][] {
  if (chosen.length === budget) return [[...chosen]];
  const rest = Array.from({ length: numSteps }, (_, step) => step).filter((step) => step > chosen.at(-1)!);
  return rest.flatMap((step) => plansOf(numSteps, budget, [...chosen, step]));
}

describe('with a wide beam', () => {
  const numSteps = 7;
  const width = 9;
  const vector = fc.array(fc.double({ min: -2, max: 2, noNaN: true }), { minLength: width, maxLength: width });
  const runs = fc.oneof(
    ...[1, 3].map((guidanceScale) => {
      const parts = partsOf(guidanceScale);
      const step = fc.array(vector, { minLength: parts, maxLength: parts });
      return fc
        .array(step, { minLength: numSteps, maxLength: numSteps })
        .map((velocities) => runOf(velocities, guidanceScale));
    }),
  );

  test('no plan of a budget is better than the best steps', () => {
    fc.assert(
      fc.property(runs, fc.integer({ min: 1, max: numSteps }), (run, budget) => {
        const gram = run.vectors.map((a, row) => run.vectors.slice(0, row + 1).map((b) => dot(a, b)));
        const { timesteps, guidanceScale } = run;
        const found = bestSteps({ gram, timesteps, guidanceScale, budget, beam: 1000 });
        const best = Math.min(...plansOf(numSteps, budget).map((steps) => costOf(run, steps)));
        expect(costOf(run, found)).toBeLessThanOrEqual(best + 1e-5);
      }),
      { numRuns: 60, seed: 1 },
    );
  });
});
