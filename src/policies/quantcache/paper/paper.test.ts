/** The equations against numbers worked out by hand, and the policy made of them. */
import { describe, expect, test } from 'vitest';
import { numbers, scalarArithmetic } from '../../../../test/scalars.ts';
import { type Arithmetic, createArithmetic } from '../../../runtime/arithmetic.ts';
import { createRuntime } from '../../../runtime/node.ts';
import { createRunState } from '../../../state.ts';
import { createTrace } from '../../../trace.ts';
import { createBench, decisionsOf, testPolicy } from '../../conformance.ts';
import { createPolicy } from '../../index.ts';
import { createDivergence } from './divergence.ts';
import { bitsFor, gatedProbability, pruningProbability, refreshInterval, uniformAt } from './rules.ts';

const eager = { tau: [4, 2, 1], delta: [1, 10] };

testPolicy('quantcache-paper', {
  conservative: { tau: [1, 1, 1], pruning: false },
  variants: {
    steps: { ...eager, pruning: false },
    layers: { ...eager, mode: 'layer', pruning: false, distance: 'absolute', motion: 'gradient' },
    'pruning, same step': { tau: [1, 1, 1], similarity: [-1, -0.5], motion: 'none', neighbours: 'order' },
    'pruning, last computed': {
      ...eager,
      similarity: [-1, 1],
      baseProbability: 0.6,
      reading: 'last-computed',
      seed: 4,
    },
    'pruning, cached': { tau: [1, 1, 1], similarity: [-1, -0.5], pruned: 'cached', neighbours: 'order' },
  },
});

test('without bits of its own it computes in the precision of the run', async () => {
  const bench = await createBench();
  const trace = createTrace();
  await bench.sample(createPolicy('quantcache-paper', { pruning: false }), { trace, precision: 'w8a8' });
  expect(new Set(trace.decisions.map(({ precision }) => precision))).toEqual(new Set(['w8a8']));
  await bench.close();
});

describe('equation 5', () => {
  const withArithmetic = async (
    check: (arithmetic: Arithmetic, tensor: (values: number[]) => never) => Promise<void>,
  ) => {
    const runtime = await createRuntime({ threads: 1 });
    const arithmetic = createArithmetic(runtime);
    // One sample, two frames of one token of two channels.
    await check(arithmetic, (values) => runtime.tensor(Float32Array.from(values), [1, 2, 1, 2]) as never);
    await arithmetic.dispose();
    await runtime[Symbol.asyncDispose]();
  };

  test('relative change per step times motion and its gradient', () =>
    withArithmetic(async (arithmetic, tensor) => {
      const settings = {
        distance: 'relative',
        motion: 'motion-and-gradient',
        motionReference: 0.5,
        motionFloor: 0,
      } as const;
      const equation = createDivergence({ arithmetic, state: createRunState() }, settings);
      const before = tensor([1, 1, 2, 2]); // m = 2 / 6
      const now = tensor([1, 1, 3, 3]); // m = 4 / 8
      await equation.begin('a', before);
      const found = await equation.measure({ path: 'a', now, before, distance: 2 });
      expect(found.change).toBeCloseTo(2 / 6, 6);
      expect(found.factor).toBeCloseTo((1 / 2 + (1 / 2 - 1 / 3) / 2) / 0.5, 5);
      expect(found.divergence).toBeCloseTo((2 / 6 / 2) * found.factor, 6);
    }));

  test('as printed: mean change times the bare gradient, 0 for even motion unless floored', () =>
    withArithmetic(async (arithmetic, tensor) => {
      const printed = { distance: 'absolute', motion: 'gradient', motionReference: 1, motionFloor: 0 } as const;
      const [before, now, even] = [tensor([1, 1, 2, 2]), tensor([1, 1, 3, 3]), tensor([2, 2, 4, 4])];
      const equation = createDivergence({ arithmetic, state: createRunState() }, printed);
      await equation.begin('a', before);
      const found = await equation.measure({ path: 'a', now, before, distance: 1 });
      expect(found.divergence).toBeCloseTo(0.5 * (1 / 2 - 1 / 3), 6);
      const still = createDivergence({ arithmetic, state: createRunState() }, printed);
      await still.begin('a', before);
      expect((await still.measure({ path: 'a', now: even, before, distance: 1 })).divergence).toBeCloseTo(0, 6);
      const floored = createDivergence({ arithmetic, state: createRunState() }, { ...printed, motionFloor: 0.25 });
      await floored.begin('a', before);
      expect((await floored.measure({ path: 'a', now: even, before, distance: 1 })).divergence).toBeCloseTo(
        1.5 * 0.25,
        6,
      );
    }));
});

test('a still image has nothing to move: its motion is 1', async () => {
  const settings = {
    distance: 'absolute',
    motion: 'motion-and-gradient',
    motionReference: 0.5,
    motionFloor: 0,
  } as const;
  const equation = createDivergence({ arithmetic: scalarArithmetic, state: createRunState() }, settings);
  const [before, now] = [numbers([1, 2], [1, 1, 1, 2]), numbers([3, 4], [1, 1, 1, 2])];
  await equation.begin('a', before);
  expect(await equation.measure({ path: 'a', now, before, distance: 4 })).toEqual({
    change: 2,
    factor: 2,
    divergence: 1,
  });
});

test('what it decides by is measured: equation 5 of modules and steps, and how alike neighbours are', async () => {
  const bench = await createBench();
  const trace = createTrace();
  const options = { ...eager, similarity: [-1, 1], baseProbability: 0.5, seed: 1 };
  await bench.sample(createPolicy('quantcache-paper', options), { trace });
  const names = new Map<string, Set<string>>();
  for (const { path, values } of trace.measurements)
    for (const name of Object.keys(values)) names.set(name, (names.get(name) ?? new Set()).add(path));
  expect([...names.keys()].sort()).toEqual(
    ['change', 'divergence', 'due', 'factor', 'heldBytes', 'similarity', 'variation'].sort(),
  );
  expect([...names.get('due')!]).toEqual(['step']);
  expect([...names.get('variation')!]).toEqual(['step']);
  expect([...names.get('similarity')!].every((path) => /^(spatial|temporal)_blocks\.1$/.test(path))).toBe(true);
  const dues = trace.measurements.filter(({ values }) => values.due !== undefined);
  expect(dues.every(({ step, values }) => [1, 2, 4].includes(values.due! - step))).toBe(true);
  await bench.close();
});

test('equation 6: the longest interval below the first bound, the shortest from the second on', () => {
  const intervals = [0, 0.0799, 0.08, 0.3199, 0.32, 9, Number.NaN].map((d) =>
    refreshInterval(d, [0.08, 0.32], [6, 3, 1]),
  );
  expect(intervals).toEqual([6, 6, 3, 3, 1, 1, 1]);
  expect(refreshInterval(Number.NaN, [0.03, 0.09], [12, 6, 3])).toBe(1);
});

test('equation 8 in both readings', () => {
  const bits = (direction: 'falling' | 'rising') =>
    [0.01, 0.1, 0.2, 0.5, 0.9, Number.NaN].map((d) => bitsFor(d, [0.1, 0.5], [16, 8, 4], direction));
  expect(bits('falling')).toEqual([16, 8, 8, 4, 4, 16]);
  expect(bits('rising')).toEqual([4, 8, 8, 16, 16, 16]);
});

test('equations 10 and 11', () => {
  const probabilities = [0.1, 0.5, 0.7, 0.9, 0.95, Number.NaN].map((s) => pruningProbability(s, [0.5, 0.9], 0.3));
  expect(probabilities).toEqual([0, 0.3, 0.3, 0.3, 1, 0]);
  const gated = [0.05, 0.1, 0.2, 0.5, 0.9, Number.NaN].map((v) => gatedProbability(0.3, v, [0.1, 0.5], 2));
  expect(gated).toEqual([0.6, 0.3, 0.3, 0.3, 0.15, 0.3]);
  expect(gatedProbability(0.8, 0, [0.1, 0.5], 2)).toBe(1);
});

test('the random choice is even, and depends on seed, step and layer alone', () => {
  const values = Array.from({ length: 4000 }, (_, i) => uniformAt(1, i % 100, Math.floor(i / 100)));
  expect(values.reduce((sum, value) => sum + value, 0) / values.length).toBeCloseTo(0.5, 1);
  for (let bucket = 0; bucket < 10; bucket++) {
    const share = values.filter((value) => Math.floor(value * 10) === bucket).length / values.length;
    expect(Math.abs(share - 0.1)).toBeLessThan(0.025);
  }
  expect(values.every((value) => value >= 0 && value < 1)).toBe(true);
  expect(uniformAt(7, 3, 2)).toBe(uniformAt(7, 3, 2));
  expect(new Set([uniformAt(7, 3, 2), uniformAt(8, 3, 2), uniformAt(7, 2, 3), uniformAt(7, 3, 3)]).size).toBe(4);
});

test('intervals follow the number of steps: 6, 3, 1 up to 40, then 12, 6, 3', async () => {
  const bench = await createBench();
  const lengths = async (numSteps: number) => {
    const trace = createTrace();
    const options = { pruning: false, motion: 'none', delta: [100, 200] };
    await bench.sample(createPolicy('quantcache-paper', options), { trace, numSteps });
    return decisionsOf(trace)
      .map((step) => step.at(-1))
      .join('');
  };
  expect(await lengths(16)).toBe('ccrrrrrcrrrrrccc');
  expect(await lengths(41)).toBe(`cc${'rrrrrrrrrrrc'.repeat(3)}rcc`);
  await bench.close();
});

test('the same seed prunes the same blocks, another seed others', async () => {
  const bench = await createBench();
  const decisions = async (seed: number) => {
    const trace = createTrace();
    const options = { tau: [1, 1, 1], similarity: [-1, 1], baseProbability: 0.5, reading: 'last-computed', seed };
    await bench.sample(createPolicy('quantcache-paper', options), { trace });
    return decisionsOf(trace).join(' ');
  };
  expect(await decisions(1)).toBe(await decisions(1));
  expect(await decisions(1)).not.toBe(await decisions(2));
  await bench.close();
});
