import { afterAll, expect, test } from 'vitest';
import { createRuntime } from '../../../runtime/node.ts';
import type { Verifier } from '../../../verification/case.ts';
import { verifyKinds } from '../../../verification/testing.ts';
import { verifyAdacache } from './adacache.ts';
import { verifyPab } from './pab.ts';

const runtime = await createRuntime();
afterAll(() => runtime[Symbol.asyncDispose]());

const verify = (verifiers: Record<string, Verifier>) => verifyKinds(runtime, 'test/fixtures/golden', verifiers);

test('AdaCache decides and samples as the original, with and without motion regularisation', async () => {
  const results = await verify({ adacache_sample: verifyAdacache });
  expect(results.filter((result) => !result.pass)).toEqual([]);
  expect(results.length).toBe(2 * (20 + 1 + 7 + 1 + 1));
  const exact = results.filter(({ tensor }) => /_rate$|decisions.step|recomputed/.test(tensor));
  expect(exact.map(({ relativeError }) => relativeError)).toEqual(Array(8).fill(0));
});

test('PAB reuses what the original reuses, for every list of timesteps', async () => {
  const results = await verify({ pab_schedule: verifyPab });
  expect(results.length).toBe(40);
  expect(results.filter((result) => result.relativeError !== 0)).toEqual([]);
});
