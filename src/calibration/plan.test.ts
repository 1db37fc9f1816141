import { expect, test } from 'vitest';
import { bestPlan, type Grams, weightsOf } from './plan.ts';

/** Gram matrices of effects that are the residuals themselves: e(s, i) = r(i). */
const gramsOf = (residuals: readonly (readonly number[])[]): Grams =>
  residuals.map((_, step) => {
    const seen = residuals.slice(0, step + 1);
    return seen.map((a) => seen.map((b) => a.reduce((sum, value, i) => sum + value * b[i]!, 0)));
  });

const line = Array.from({ length: 10 }, (_, s) => [1, s, 2 * s + 3]);

test('what lies on a line follows from two of its points', () => {
  const { plan, cost, computed } = bestPlan({ grams: gramsOf(line), budget: 2, history: 2 });
  expect(computed[0]).toBe(0);
  expect(cost).toBeLessThan(0.6); // the steps before the second computed one can only be scaled
  const [, second] = computed;
  const step = second! + 2;
  const [latest, first] = plan[step]!;
  // r(step) = r(second) + 2 (r(second) - r(0)) / second
  expect(latest).toBeCloseTo(1 + 2 / second!, 1);
  expect(first).toBeCloseTo(-2 / second!, 1);
});

test('a change is computed where it happens', () => {
  const jump = Array.from({ length: 12 }, (_, s) => (s < 7 ? [1, 0] : [0, 1]));
  const { computed, cost, plan } = bestPlan({ grams: gramsOf(jump), budget: 2 });
  expect(computed).toEqual([0, 7]);
  expect(cost).toBeLessThan(0.01);
  expect(plan[0]).toEqual([]);
  expect(plan[7]).toEqual([]);
  expect(plan[8]![0]).toBeCloseTo(1, 3);
  expect(plan[8]![1]).toBeCloseTo(0, 3);
});

test('a larger budget never costs more', () => {
  const curve = Array.from({ length: 12 }, (_, s) => [Math.sin(s), Math.cos(s / 2), s ** 2 / 40]);
  const costs = [1, 2, 3, 5, 8, 12].map((budget) => bestPlan({ grams: gramsOf(curve), budget }).cost);
  for (const [i, cost] of costs.entries()) if (i > 0) expect(cost).toBeLessThanOrEqual(costs[i - 1]! + 1e-9);
  expect(costs.at(-1)).toBe(0);
});

test('weights are of the last computed steps, the latest first', () => {
  const plan = weightsOf(gramsOf(line), [0, 3, 5, 6], 2);
  expect(plan.map(({ length }) => length)).toEqual([0, 1, 1, 0, 2, 0, 0, 2, 2, 2]);
});

test('refuses a budget that is no number of steps', () => {
  for (const budget of [0, 11, 1.5]) expect(() => bestPlan({ grams: gramsOf(line), budget })).toThrow(/1 to 10/);
});
