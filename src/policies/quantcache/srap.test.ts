import { expect, test } from 'vitest';
import { createTrace } from '../../trace.ts';
import { createBench, testPolicy } from '../conformance.ts';
import { createPolicy } from '../index.ts';

const open = { protectFirst: 1, protectLast: 1, threshold: 100, cap: 0.5 };

testPolicy('srap', {
  conservative: { threshold: 0 },
  variants: {
    nothing: { ...open, instead: 'nothing' },
    neighbour: { ...open, instead: 'neighbour', protectFirst: 2, cap: 0.25 },
    cached: { ...open, instead: 'cached', inARow: 1 },
  },
});

test('protects the first and last blocks, keeps the cap and the rows', async () => {
  const bench = await createBench();
  const trace = createTrace();
  await bench.sample(createPolicy('srap', { ...open, instead: 'nothing', cap: 0.25, warmup: 2, inARow: 2 }), { trace });
  const skipped = trace.decisions.filter(({ did }) => did === 'skip');
  expect(skipped.every(({ level }) => level === 'block')).toBe(true);
  expect(new Set(skipped.map(({ path }) => path))).toEqual(new Set(['temporal_blocks.0', 'spatial_blocks.1']));
  // One of four blocks per step, from step 2 to the one before the last.
  expect(skipped.map(({ step }) => step)).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10]);
  const inARow = skipped.map(({ path }, i) => i > 1 && path === skipped[i - 1]!.path && path === skipped[i - 2]!.path);
  expect(inARow).not.toContain(true);
  await bench.close();
});

test('the expected errors are those of the equations', async () => {
  const bench = await createBench();
  const trace = createTrace();
  await bench.sample(createPolicy('srap', { ...open, instead: 'neighbour', threshold: 1e-9 }), { trace, numSteps: 2 });
  const values = trace.measurements.find(({ path }) => path === 'temporal_blocks.1')!.values;
  expect(values.contribution).toBeGreaterThan(0);
  expect(Math.abs(values.similarity!)).toBeLessThanOrEqual(1);
  expect(Math.sign(values.weight!)).toBe(Math.sign(values.similarity!));
  expect(trace.measurements.find(({ path }) => path === 'temporal_blocks.0')!.values).not.toHaveProperty('similarity');
  await bench.close();
});
