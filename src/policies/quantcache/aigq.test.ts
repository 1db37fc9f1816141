import { expect, test } from 'vitest';
import { createTrace } from '../../trace.ts';
import { createBench, decisionsOf } from '../conformance.ts';
import { createPolicy } from '../index.ts';
import { precisionFor, runnable } from './aigq.ts';

const ladder: ['fp32' | 'w8a8' | 'w4a8', number][] = [
  ['fp32', 4],
  ['w8a8', 1],
  ['w4a8', 0],
];

test('the first precision whose importance is reached, the most precise for what is no number', () => {
  const found = [9, 4, 3.9, 1, 0.5, -1, Number.NaN].map((importance) => precisionFor(ladder, importance));
  expect(found).toEqual(['fp32', 'fp32', 'w8a8', 'w8a8', 'w4a8', 'w4a8', 'fp32']);
  expect(precisionFor([['w8a8', 3]], 0)).toBe('w8a8');
});

test('what the backend lacks counts as the next more precise that it has', () => {
  const names = (available: ('fp32' | 'w8a8' | 'w4a8' | 'w4a6')[]) =>
    runnable({ ladder, available }).map(([precision]) => precision);
  expect(names(['fp32'])).toEqual(['fp32', 'fp32', 'fp32']);
  expect(names(['w8a8', 'fp32'])).toEqual(['fp32', 'w8a8', 'w8a8']);
  expect(names(['w8a8', 'w4a6'])).toEqual(['w8a8', 'w8a8', 'w8a8']);
});

test('with fp32 alone it computes everything, bit for bit as full, and remembers nothing', async () => {
  const bench = await createBench();
  const trace = createTrace();
  const found = await bench.sample(createPolicy('aigq', { ladder, available: ['fp32'] }), { trace });
  expect(found).toEqual(await bench.sample(createPolicy('full')));
  expect(decisionsOf(trace).join('')).toMatch(/^c+$/);
  expect(Math.max(...trace.measurements.flatMap(({ values }) => values.heldBytes ?? []))).toBe(0);
  await bench.close();
});

test('without a ladder the precision of the run holds', async () => {
  const bench = await createBench();
  const trace = createTrace();
  await bench.sample(createPolicy('aigq'), { trace, precision: 'w8a8', numSteps: 3 });
  expect(new Set(trace.decisions.map(({ precision }) => precision))).toEqual(new Set(['w8a8']));
  await bench.close();
});

test('names a precision per module and step: sensitive kinds and broken numbers get digits', async () => {
  const bench = await createBench();
  // Divergences of the tiny network at 12 steps are far above 1e-6 and below 1e6 times D_ref.
  const options = {
    ladder: [
      ['fp32', 1],
      ['w8a8', 0],
    ],
    available: ['fp32', 'w8a8'],
    sensitivity: { 'cross-attention': [1e6, 0], 'spatial_blocks.0.mlp': 1e6, 'feed-forward': 0 },
    online: 'module',
  };
  const trace = createTrace();
  const precisionAt = (step: number, path: string) =>
    trace.decisions.find((decision) => decision.step === step && decision.path === path)!.precision;
  await bench.sample(createPolicy('aigq', options), { trace });
  expect(precisionAt(0, 'temporal_blocks.0.mlp')).toBe('fp32');
  expect(precisionAt(3, 'temporal_blocks.0.mlp')).toBe('w8a8');
  expect(precisionAt(3, 'spatial_blocks.0.mlp')).toBe('fp32');
  expect(precisionAt(3, 'temporal_blocks.1.cross_attn')).toBe('fp32');
  expect(precisionAt(6, 'temporal_blocks.1.cross_attn')).toBe('w8a8');

  const broken = createTrace();
  const nan = async () => Number.NaN;
  await bench.sample(createPolicy('aigq', options), {
    trace: broken,
    arithmetic: (all) => ({ ...all, relativeL1: nan }),
  });
  expect(new Set(broken.decisions.map(({ precision }) => precision))).toEqual(new Set(['fp32']));
  await bench.close();
});

test('sensitivities of another model are refused', async () => {
  const bench = await createBench();
  const policy = createPolicy('aigq', { sensitivity: { 'spatial_blocks.7.mlp': 2 } });
  await expect(bench.sample(policy)).rejects.toThrow(/spatial_blocks\.7\.mlp.*another model/);
  await bench.close();
});
