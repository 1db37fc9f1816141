import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTrace } from '../../../trace.ts';
import { type Bench, createBench, testPolicy } from '../../conformance.ts';
import { createPolicy } from '../../index.ts';
import { averagesSchema, momentsAt, valueAt } from './averages.ts';
import { builtinAverages } from './builtin.ts';
import { createControl, newCourse } from './control.ts';
import { cheapestPath } from './path.ts';
import { createPredictor } from './prediction.ts';

const levels = (steps: number) => Array.from({ length: steps + 1 }, (_, step) => 1 - step / steps);

testPolicy('hlc', {
  conservative: { leaps: { quality: 500 } },
  variants: { 'following the clip': { leaps: { quality: 12 } } },
});

test('moments at levels between those measured lie on the line between theirs', () => {
  const moments = { levels: [1, 0.5], products: [[4], [2, 8], [0, 0, 1], [0, 0, 0.5, 3]] };
  expect(momentsAt(moments, [0.5, 0.75])[0]!.slice(0, 2)).toEqual([8, 5]);
  expect(momentsAt(moments, [0.75])).toEqual([
    [4, 0],
    [0, 1.25],
  ]);
  expect(momentsAt(moments, [0.1])[0]![0]).toBe(8); // beyond the last level as there
  expect(valueAt([1, 0.5], [10, 20], 0.6)).toBeCloseTo(18);
});

test('averages that do not fit together are refused', () => {
  expect(averagesSchema.safeParse(builtinAverages).success).toBe(true);
  const broken = [
    { ...builtinAverages, levels: [...builtinAverages.levels].reverse() },
    { ...builtinAverages, surprise: [1] },
    { ...builtinAverages, products: builtinAverages.products.slice(1) },
  ];
  for (const one of broken) expect(averagesSchema.safeParse(one).success).toBe(false);
});

/** Moments of answers that are the same at all levels, with a direction of guidance that is, too. */
const constant = { levels: [1, 0.01], products: [[1], [1, 1], [0, 0, 0.25], [0, 0, 0.25, 0.25]] };

test('where answers never change, a leap is an Euler step over the whole gap, and nothing is missed', () => {
  const predictor = createPredictor({ moments: constant, levels: levels(10), guidanceScale: 4 });
  const { outputs, meanSquare } = predictor.leap([0], 5);
  expect(outputs[0]![0]).toBeCloseTo(4 * 0.5, 3);
  expect(outputs[0]![1]).toBeCloseTo(-3 * 0.5, 3);
  expect(meanSquare).toBeCloseTo(0, 6);
  const unguided = createPredictor({ moments: constant, levels: levels(10), guidanceScale: 1 }).leap([0], 5);
  expect(unguided.outputs).toHaveLength(1);
  expect(unguided.outputs[0]).toHaveLength(1);
  expect(unguided.outputs[0]![0]).toBeCloseTo(0.5, 3);
});

test('a direction that turns counts for less the longer the leap is', () => {
  const predictor = createPredictor({ moments: builtinAverages, levels: levels(30), guidanceScale: 4 });
  const guidance = (to: number) => {
    const [[conditional, unconditional]] = predictor.leap([3], to).outputs as [[number, number]];
    return conditional / (conditional + unconditional);
  };
  expect(guidance(4)).toBeLessThanOrEqual(4.05);
  expect(guidance(8)).toBeLessThan(guidance(5));
  expect(guidance(13)).toBeLessThan(guidance(8));
  expect(predictor.error(3, 13)).toBeGreaterThan(predictor.error(3, 8));
});

test('a later answer mends what the leap before it missed', () => {
  const predictor = createPredictor({ moments: builtinAverages, levels: levels(30), guidanceScale: 4 });
  const first = predictor.leap([3], 9);
  const kept = predictor.leap([9, 3], 12, first.rest).meanSquare;
  const left = predictor.leap([9, 3], 12).meanSquare + first.meanSquare;
  expect(kept).toBeLessThan(0.8 * left);
});

test('the cheapest path computes as few steps as the budget allows, where they help most', () => {
  const hard = (from: number, to: number) => (to - from - 1) * (from < 5 ? 10 : 1);
  const path = (budget: number) => cheapestPath({ numSteps: 12, from: 0, longest: 12, budget, error: hard });
  expect(path(200)).toEqual({ next: 12, error: 110 });
  expect(path(50).next).toBeLessThan(6);
  expect(path(0)).toEqual({ next: 1, error: 0 });
  const few = (most: number) => cheapestPath({ numSteps: 12, from: 0, longest: 12, budget: 0, most, error: hard });
  expect([few(0), few(1)]).toEqual([
    { next: 12, error: 110 },
    { next: 5, error: 46 },
  ]);
  expect(few(11).error).toBe(0);
  const short = cheapestPath({ numSteps: 12, from: 0, longest: 3, budget: 1000, error: hard });
  expect(short.next).toBeLessThanOrEqual(3);
});

test('a path is looked for at every step of a run of up to a hundred, and evenly apart in a longer one', () => {
  // Leaps over a multiple of three cost nothing.
  const error = (from: number, to: number) => ((to - from) % 3 === 0 ? 0 : 100);
  const nextOf = (numSteps: number, from: number) =>
    cheapestPath({ numSteps, from, longest: 5, budget: 1, error }).next;
  expect(nextOf(99, 0)).toBe(3);
  expect(nextOf(90, 60)).toBe(63);
  expect(nextOf(102, 0)).toBe(1); // steps 2, 4, 6 and so on hold no such leap of five at most
});

test('where errors are no numbers, the next step is computed', () => {
  const path = cheapestPath({ numSteps: 9, from: 4, longest: 3, budget: 1, error: () => Number.NaN });
  expect(path.next).toBe(5);
});

test('a clip that is harder than the average gets shorter leaps, and an easier one longer ones', () => {
  const predictor = createPredictor({ moments: builtinAverages, levels: levels(30), guidanceScale: 4 });
  const control = createControl({ predictor, averages: builtinAverages, levels: levels(30), quality: 30, memory: 0.6 });
  const nextAt = (difficulty: number) => {
    const course = newCourse();
    control.observe(course, 0, predictor.strength(0));
    const second = course.next;
    const { open } = course;
    const expected = control.expected(course, second)!;
    const seen = control.observe(course, second, expected.meanSquare * difficulty, expected);
    if (!Number.isNaN(difficulty)) {
      expect(seen).toBeCloseTo(difficulty);
      expect(course.spent).toBeCloseTo(open * difficulty, 9);
    }
    return course.next - second;
  };
  expect(nextAt(8)).toBeLessThan(nextAt(1));
  expect(nextAt(0.1)).toBeGreaterThan(nextAt(1));
  expect(nextAt(Number.NaN)).toBe(1); // never a leap where the estimate is missing
});

describe('runs', () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await createBench();
  });
  afterAll(() => bench.close());

  /** How many steps a run computes, and the quality that it says it has. */
  async function run(leaps: object, numSteps: number): Promise<{ computed: number; quality?: number }> {
    const trace = createTrace();
    await bench.sample(createPolicy('hlc', { leaps }), { trace, numSteps });
    const { quality } = trace.measurements.findLast(({ values }) => values.quality !== undefined)?.values ?? {};
    return {
      computed: trace.decisions.filter(({ level, did }) => level === 'step' && did === 'compute').length,
      quality: quality as number | undefined,
    };
  }

  test('more quality costs more steps, other numbers of steps work, and the run says what it reached', async () => {
    const [low, high] = [await run({ quality: 10 }, 20), await run({ quality: 70 }, 20)];
    expect(low.quality).toBeGreaterThan(0);
    expect(low.computed).toBeLessThan(high.computed);
    expect(high.computed).toBeLessThanOrEqual(20);
    expect((await run({ quality: 10 }, 7)).computed).toBeLessThanOrEqual(7);
  });

  test.each([
    [3, 20],
    [5, 20],
    [9, 20],
    [3, 4],
    [3, 100],
    [8, 3],
  ])('%i evaluations are taken for %i steps, where there are as many', async (evaluations, numSteps) => {
    expect((await run({ evaluations }, numSteps)).computed).toBe(Math.min(evaluations, numSteps));
  });
});
