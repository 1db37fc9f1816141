/** Plans fitted on a tiny network with random weights, and followed by the policy that they are made for. */
import { afterAll, expect, test } from 'vitest';
import type { LoopOptions } from '../loop.ts';
import { createBench } from '../policies/conformance.ts';
import { createPolicy } from '../policies/index.ts';
import { type LeapPlan, shareOfWay } from '../policies/quantcache/leaps.ts';
import { fitLeaps, type Lesson, searchSteps } from './fit.ts';
import { bestSteps, entryOf, eulerWeights, partsOf } from './plan.ts';
import { type RecordedRun, recordRun } from './record.ts';

const bench = await createBench();
afterAll(() => bench.close());
const guidanceScale = 3;
const computed = [0, 2, 3, 7];

let timesteps: number[] = [];
const open = async () => {
  const opened = await bench.open();
  timesteps = Array.from(opened.options.timesteps);
  return opened;
};

async function record(): Promise<RecordedRun> {
  await using loop = await open();
  const run = recordRun(bench.runtime, loop.options as LoopOptions);
  let next = await run.next();
  while (!next.done) next = await run.next();
  return next.value;
}

const recorded = await record();
const lessons: Lesson[] = [{ open, latents: recorded.latents }];
const request = { lessons, timesteps, guidanceScale, precision: 'fp32' as const };

/** Of latents against the last of the recorded run, as `fitLeaps` reports it. */
const qualityOf = (latents: Float32Array): number => {
  const squares = latents.map((value, i) => (value - recorded.latents.at(-1)![i]!) ** 2);
  return -10 * Math.log10(squares.reduce((sum, square) => sum + square, 0) / latents.length);
};
const followed = async (plan: LeapPlan) => qualityOf(await bench.sample(createPolicy('hlc', { plans: { 12: plan } })));

test('a fitted plan does what the policy does that follows it, and more than Euler steps over the gaps', async () => {
  const { plan, quality } = await fitLeaps(bench.runtime, { ...request, computed });
  expect(plan.map(({ step, outputs }) => [step, outputs.length])).toEqual([
    [0, 1],
    [2, 0],
    [3, 3],
    [7, 3],
  ]);
  expect(await followed(plan)).toBeCloseTo(quality, 1);
  const euler = computed.map((from, i) => {
    const to = computed[i + 1] ?? 12;
    const weights = eulerWeights(timesteps, { from, to, guidanceScale, count: 1 });
    return entryOf(from, weights, { parts: partsOf(guidanceScale), share: shareOfWay(timesteps, from, to) });
  });
  expect(quality).toBeGreaterThan((await followed(euler)) + 3);
});

test('a plan that computes everything is the full run', async () => {
  const { plan } = await fitLeaps(bench.runtime, { ...request, computed: timesteps.map((_, step) => step) });
  const found = await bench.sample(createPolicy('hlc', { plans: { 12: plan } }));
  expect(found).toEqual(await bench.sample(createPolicy('full')));
});

test('the search never ends with less than it began with, and tries no more than it may', async () => {
  const start = bestSteps({ gram: recorded.gram, timesteps, guidanceScale, budget: 3 });
  const search = searchSteps(bench.runtime, { ...request, starts: [[0, 10, 11]], trials: 6 });
  const tried: number[] = [];
  let next = await search.next();
  for (; !next.done; next = await search.next()) tried.push(next.value);
  expect(Math.max(...tried)).toBeLessThanOrEqual(6);
  const quality = async (steps: readonly number[]) =>
    (await fitLeaps(bench.runtime, { ...request, computed: steps })).quality;
  expect(await quality(next.value)).toBeGreaterThan(await quality([0, 10, 11]));
  expect(await quality(start)).toBeGreaterThan(await quality([0, 10, 11]));
});
