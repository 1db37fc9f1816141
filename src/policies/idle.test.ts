/** Policies that cannot act say so, once, with the reason and the option. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTrace } from '../trace.ts';
import { type Bench, createBench } from './conformance.ts';
import { createPolicy } from './index.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await createBench();
});
afterAll(() => bench.close());

/** What the user is told in a run of four steps. */
async function warningsOf(policy: string, options: Record<string, unknown> = {}): Promise<readonly string[]> {
  const trace = createTrace();
  await bench.sample(createPolicy(policy, options), { trace, numSteps: 4 });
  return trace.warnings;
}

test.each<[string, Record<string, unknown>, RegExp]>([
  ['easycache', {}, /first 10 and the last 1\. Lower its option warmup/],
  ['dbcache', {}, /of 4 steps .* first 8\. Lower its option warmup/],
  ['taylorseer', { warmup: 2147483648 }, /first 2147483648\. Lower its option warmup/],
  ['magcache', { retention: 1, ratios: [1] }, /first 4\. Lower its option retention/],
  ['hlc', {}, /first 3 and the last 1\. Lower its option warmup/],
  ['schedule', {}, /neither steps nor errors/],
  ['static', { every: 1 }, /"static" found nothing to save in 4 steps.*"quantcache policies static"/],
  ['tgate', { warmup: 9 }, /"tgate" found nothing to save/],
  ['teacache', { threshold: 0, coefficients: [1, 0] }, /"teacache" found nothing to save/],
  ['aigq', {}, /"aigq" found nothing to save/],
])('%s with %j', async (policy, options, warning) => {
  expect(await warningsOf(policy, options)).toEqual([expect.stringMatching(warning)]);
});

test('full computes everything on purpose, and who saves something says nothing', async () => {
  expect(await warningsOf('full')).toEqual([]);
  expect(await warningsOf('static')).toEqual([]);
  expect(await warningsOf('aigq', { ladder: [['w8a8', 0]] })).toEqual([]);
  expect(await warningsOf('hlc', { plans: { 4: [{ step: 0, latents: 1, outputs: [[3, -2]] }] } })).toEqual([]);
});

test('leaps that were fitted without guidance are not taken with it', async () => {
  const plans = { 4: [{ step: 0, latents: 1, outputs: [[1]] }] };
  expect(await warningsOf('hlc', { plans })).toEqual([expect.stringMatching(/fitted with guidance .* every step/)]);
});
