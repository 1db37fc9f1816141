/** What fits into memory, and what is said where it does not. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRuntime, openModel, type Pipeline, type Runtime } from '../index.ts';
import { decideRun } from './decide.ts';
import { assertMemory, fitDecision } from './memory.ts';

let runtime: Runtime;
let pipeline: Pipeline;
beforeAll(async () => {
  runtime = await createRuntime({ threads: 1 });
  pipeline = await openModel(runtime, { model: 'test/fixtures/pipeline' });
});
afterAll(async () => {
  await pipeline[Symbol.asyncDispose]();
  await runtime[Symbol.asyncDispose]();
});

const gigabyte = 2 ** 30;
const limit = (bytes: number) => ({ bytes, who: '--memory allows' });
const geometry = () => pipeline.geometry({ size: '64x64', frames: 17 });

describe('what is left', () => {
  test('is less for more prompts and for integers', () => {
    const left = (more: object) =>
      assertMemory(pipeline, { geometry: geometry(), prompts: 1, precision: 'fp32', limit: limit(gigabyte), ...more });
    const one = left({});
    expect(one).toBeLessThan(gigabyte);
    expect(left({ prompts: 2 })).toBeLessThan(one);
    expect(left({ precision: 'w8a8' })).toBeLessThan(one);
    expect(left({ precision: undefined })).toBeGreaterThan(one);
  });

  test.each<[string, object, RegExp]>([
    ['hidden states', { prompts: 100_000, precision: 'fp32' }, /100000 clips of 17 frames of 64x64.*hidden states/],
    ['pixels, which loops add to', { prompts: 1, loops: 10_000 }, /170000 frames of 64x64.*the pixels \d+\.\d GB/],
  ])('%s that do not fit are refused with what they take', (_, request, message) => {
    const ask = () => assertMemory(pipeline, { geometry: geometry(), prompts: 1, limit: limit(gigabyte), ...request });
    expect(ask).toThrow(message);
    expect(ask).toThrow(/--memory allows 1\.0 GB/);
  });
});

describe('a decision', () => {
  const decide = (policy: string) =>
    decideRun(pipeline, { prompts: ['a red star'], size: '64x64', frames: 17, policy, numSteps: 6 });

  test('keeps no more of earlier steps than fits, and says so', async () => {
    const decision = await decide('hlc');
    expect(decision.run.policyOptions.cacheMemory).toBe(4096);
    const fitted = fitDecision(pipeline, decision, limit(gigabyte));
    const { cacheMemory } = fitted.run.policyOptions;
    expect(cacheMemory).toBeLessThan(1024);
    expect(fitted.run).toEqual({ ...decision.run, policyOptions: { ...decision.run.policyOptions, cacheMemory } });
    expect(fitted.warnings).toEqual([expect.stringMatching(new RegExp(`leaves ${cacheMemory} MB .* not 4096`))]);
    expect(fitDecision(pipeline, fitted, limit(gigabyte))).toBe(fitted);
  });

  test('is as it was where all fits, or where the policy has no such bound', async () => {
    const roomy = await decide('hlc');
    expect(fitDecision(pipeline, roomy, limit(64 * gigabyte))).toBe(roomy);
    const unbounded = await decide('teacache');
    expect(fitDecision(pipeline, unbounded, limit(gigabyte))).toBe(unbounded);
  });
});
