import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { contextOf, numbers, siteOf } from '../../test/scalars.ts';
import { torchGenerator } from '../samplers/random.ts';
import { createBench, testPolicy } from './conformance.ts';
import { createPolicy } from './index.ts';
import { bestSchedule, type ErrorTable } from './schedule.ts';
import { errorTable } from './testing.ts';

testPolicy('schedule', {
  conservative: {},
  variants: { hold: { steps: [0, 1, 3, 6, 9] }, line: { steps: [0, 1, 3, 6, 9], order: 1 } },
});

/** Cost of each segment of a schedule. */
function segments(errors: ErrorTable, steps: readonly number[]): number[] {
  return steps.map((step, i) => {
    const next = steps[i + 1] ?? errors.length;
    return errors[step]!.slice(0, next - step - 1).reduce((sum, error) => sum + error, 0);
  });
}

/** Every set of `count` steps that begins with step 0. */
function* allSchedules(numSteps: number, count: number): Generator<number[]> {
  for (let bits = 0; bits < 2 ** (numSteps - 1); bits++) {
    const steps = [
      0,
      ...Array.from({ length: numSteps - 1 }, (_, i) => i + 1).filter((step) => (bits >> (step - 1)) & 1),
    ];
    if (steps.length === count) yield steps;
  }
}

const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);

describe('bestSchedule is as good as the best of all schedules', () => {
  const numSteps = 9;
  const { randn } = torchGenerator(5);
  const tables = Array.from({ length: 5 }, () =>
    Array.from({ length: numSteps }, (_, step) => Array.from(randn(numSteps - 1 - step), Math.abs)),
  );
  test.each([1, 2, 4, 7, 9])('%i steps', (budget) => {
    for (const errors of tables) {
      const all = [...allSchedules(numSteps, budget)].map((steps) => segments(errors, steps));
      const found = bestSchedule({ errors, budget });
      expect(found.length).toBe(budget);
      expect(sum(segments(errors, found))).toBeCloseTo(Math.min(...all.map(sum)), 10);

      const worst = Math.min(...all.map((costs) => Math.max(...costs)));
      const leastWorst = segments(errors, bestSchedule({ errors, budget, objective: 'worst' }));
      expect(Math.max(...leastWorst)).toBeCloseTo(worst, 10);
      const rivals = all.filter((costs) => Math.max(...costs) <= worst + 1e-12).map(sum);
      expect(sum(leastWorst)).toBeCloseTo(Math.min(...rivals), 10);
    }
  });

  test('with whatever is required and measured, or there is none', () => {
    const request = fc.integer({ min: 1, max: 7 }).chain((steps) =>
      fc.record({
        errors: fc.array(fc.array(fc.double({ min: 0, max: 9, noNaN: true }), { maxLength: steps }), {
          minLength: steps,
          maxLength: steps,
        }),
        budget: fc.integer({ min: 1, max: steps }),
        required: fc.uniqueArray(fc.nat(steps - 1)),
      }),
    );
    fc.assert(
      fc.property(request, ({ errors, budget, required }) => {
        const gapOf = (steps: number[], i: number) => (steps[i + 1] ?? errors.length) - steps[i]!;
        const possible = [...allSchedules(errors.length, budget)].filter(
          (steps) =>
            required.every((step) => steps.includes(step)) &&
            steps.every((step, i) => gapOf(steps, i) - 1 <= errors[step]!.length),
        );
        const costs = possible.map((steps) => sum(segments(errors, steps)));
        if (possible.length === 0) expect(() => bestSchedule({ errors, budget, required })).toThrow(/No schedule/);
        else {
          const found = bestSchedule({ errors, budget, required });
          expect(possible).toContainEqual(found);
          expect(sum(segments(errors, found))).toBeCloseTo(Math.min(...costs), 10);
        }
      }),
    );
  });

  test('required steps are computed, unmeasured gaps are not used', () => {
    const errors = Array.from({ length: 8 }, () => [1, 2]);
    expect(bestSchedule({ errors, budget: 4, required: [7, 5] })).toContain(5);
    const gaps = bestSchedule({ errors, budget: 3 });
    expect(Math.max(...gaps.map((step, i) => (gaps[i + 1] ?? 8) - step))).toBe(3);
    expect(() => bestSchedule({ errors, budget: 2 })).toThrow(/No schedule/);
    expect(() => bestSchedule({ errors, budget: 9 })).toThrow(/No schedule/);
  });
});

test('a measured table gives a schedule that beats an even one of the same budget', async () => {
  const bench = await createBench();
  const errors: number[][] = Array.from({ length: 12 }, () => []);
  const measured = errorTable({
    maxGap: 6,
    onError: (step, gap, error) => {
      errors[step]![gap - 1] = error;
    },
  });
  const exact = await bench.sample(measured);
  expect(exact).toEqual(await bench.sample(createPolicy('full')));
  expect(errors.map((row) => row.length)).toEqual([6, 6, 6, 6, 6, 6, 5, 4, 3, 2, 1, 0]);

  const distance = async (options: object) => {
    const found = await bench.sample(createPolicy('schedule', { ...options }));
    return sum([...found].map((value, i) => Math.abs(value - exact[i]!)));
  };
  const optimal = await distance({ errors, budget: 6 });
  expect(optimal).toBeLessThan(await distance({ steps: [0, 2, 4, 6, 8, 10] }));
  await expect(bench.sample(createPolicy('schedule', { errors: errors.slice(1) }))).rejects.toThrow(/11 steps.*12/);
  await bench.close();
});

test('the policy computes the best steps for its errors, and those that it is given before them', async () => {
  const numSteps = 4;
  // Only what step 1 computed changes fast.
  const errors = [[1, 1, 1], [9, 9], [1], []];
  const computed = async (options: Record<string, unknown>) => {
    const context = contextOf(numSteps);
    const run = createPolicy('schedule', options).begin(context);
    await run.observe!(siteOf(context.tree, 0), numbers([1]));
    const actions = await Promise.all([0, 1, 2, 3].map((step) => run.decide(siteOf(context.tree, step))));
    return actions.flatMap((action, step) => (action === undefined ? [step] : []));
  };
  expect(await computed({ errors, budget: 2 })).toEqual([0, 2]);
  expect(await computed({ errors, budget: 2, steps: [0, 1] })).toEqual([0, 1]);
});
