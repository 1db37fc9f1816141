import { expect, test } from 'vitest';
import { bestSteps, eulerWeights, fitWeights, type PlanRequest } from './plan.ts';
import { dot } from './solve.ts';

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
