import { expect, test } from 'vitest';
import { createTrace } from '../trace.ts';
import { createBench, decisionsOf, testPolicy } from './conformance.ts';
import { createPolicy } from './index.ts';

testPolicy('dbcache', {
  conservative: { threshold: 0 },
  variants: {
    'front and back': { threshold: 0.6, front: 1, back: 1, warmup: 2 },
    limits: { threshold: 10, front: 2, warmup: 1, maxInARow: 2, maxReused: 5 },
  },
});

test('the limits hold', async () => {
  const bench = await createBench();
  const trace = createTrace();
  await bench.sample(createPolicy('dbcache', { threshold: 10, front: 1, warmup: 3, maxInARow: 2, maxReused: 3 }), {
    trace,
  });
  const reused = decisionsOf(trace).map((step) => Number(step.includes('r')));
  expect(reused).toEqual([0, 0, 0, 1, 1, 0, 1, 0, 0, 0, 0, 0]);
  await bench.close();
});

test('of few blocks at most half are always computed at the beginning, and a quarter at the end', () => {
  const cuts = (numBlocks: number) => createPolicy('dbcache', { front: 8, back: 5 }).cuts!(numBlocks);
  expect([28, 20, 15, 7, 3].map(cuts)).toEqual([
    [8, 23],
    [8, 15],
    [7, 12],
    [3, 6],
    [1, 3],
  ]);
});
