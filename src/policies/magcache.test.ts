import { expect, test } from 'vitest';
import { contextOf, numbers, siteOf } from '../../test/scalars.ts';
import { publishedCoefficients } from '../models/opensora/coefficients.ts';
import { createTrace } from '../trace.ts';
import { createBench, decisionsOf, testPolicy } from './conformance.ts';
import { createPolicy } from './index.ts';
import { magcache } from './magcache.ts';

testPolicy('magcache', {
  conservative: { maxInARow: 0, ratios: [1] },
  variants: {
    default: publishedCoefficients.magcache!,
    'own ratios': { ratios: [0.9, 0.95], threshold: 0.2, retention: 0 },
  },
});

test('refuses to guess ratios', async () => {
  const bench = await createBench();
  await expect(bench.sample(createPolicy('magcache'))).rejects.toThrow(/calibrate --policy magcache/);
  await bench.close();
});

test('errors add up as in the formula', async () => {
  // Ratio 0.9: errors of 1, 2, 3 steps in a row add to 0.1, 0.29, 0.561.
  const bench = await createBench();
  const trace = createTrace();
  await bench.sample(createPolicy('magcache', { ratios: [0.9], threshold: 0.3, retention: 0.25 }), { trace });
  expect(decisionsOf(trace).map((step) => step.at(-1))).toEqual([...'cccrrcrrcrrc']);
  await bench.close();
});

test.each([
  [2, [0.9]],
  [3, [0.9, 0.5]],
  [6, [0.9, 0.7, 0.7, 0.5, 0.5]],
])('ratios are stretched to %i steps', async (numSteps, expected) => {
  const drifts: number[] = [];
  const context = contextOf(numSteps, 2, { measure: ({ values }) => void drifts.push(values.drift!) });
  // A limit of 0 computes every step, so that each drift is one ratio.
  const run = magcache({ ratios: [0.9, 0.7, 0.5], retention: 0, maxInARow: 0 }).begin(context);
  for (let step = 0; step < numSteps; step++) {
    expect(await run.decide(siteOf(context.tree, step))).toBeUndefined();
    await run.observe!(siteOf(context.tree, step), numbers([1]));
  }
  expect(drifts).toEqual(expected);
});
