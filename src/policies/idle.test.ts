/** Policies that cannot act say so, once, with the reason and the option. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { contextOf, numbers, siteOf } from '../../test/scalars.ts';
import { compute, type Leap, type Run } from '../policy.ts';
import { createTrace } from '../trace.ts';
import { type Bench, createBench } from './conformance.ts';
import { tellingIdleness } from './idle.ts';
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

describe('who leaps', () => {
  const leap: Leap = { steps: 1, latents: { tensor: numbers([1]), weight: 1 }, outputs: [] };

  /** What the user is told by the end of a run of two steps of which the policy is asked whether it leaps over the first. */
  async function told(run: Partial<Run>): Promise<string[]> {
    const warnings: string[] = [];
    const policy = tellingIdleness({ name: 'leaper', begin: () => ({ decide: () => undefined, ...run }) });
    const context = contextOf(2, 2, { warn: (message) => void warnings.push(message) });
    const begun = policy.begin(context);
    expect(begun.leap?.(0)).toBe(run.leap?.(0));
    await begun.decide(siteOf(context.tree, 1));
    await begun.observeOutput!({ step: 1, latents: numbers([1]), output: numbers([1]) });
    return warnings;
  }

  test('saves something, and who does not is told so', async () => {
    expect(await told({ leap: () => leap })).toEqual([]);
    const nothing = [expect.stringMatching(/"leaper" found nothing to save in 2 steps/)];
    expect(await told({ leap: () => undefined })).toEqual(nothing);
    expect(await told({})).toEqual(nothing);
    expect(await told({ decide: () => compute('fp32') })).toEqual(nothing);
    expect(await told({ decide: () => compute('w8a8') })).toEqual([]);
  });
});
