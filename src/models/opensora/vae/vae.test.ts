/** The VAE against the original code: every reference case. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createRuntime } from '../../../runtime/node.ts';
import type { Runtime } from '../../../runtime/runtime.ts';
import { verifyFolder } from '../../../verification/verify.ts';
import { verifyJointVae, verifySpatialVae, verifyTemporalVae } from '../verify/vae.ts';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime();
});
afterAll(() => runtime[Symbol.asyncDispose]());

it('equals the original in every tensor of every case', async () => {
  const verifiers = { vae_spatial: verifySpatialVae, vae_temporal: verifyTemporalVae, vae_joint: verifyJointVae };
  const results = [];
  for await (const result of verifyFolder(runtime, 'test/fixtures/golden', { verifiers })) {
    if (!('skipped' in result)) results.push(result);
  }
  if (process.env.SHOW)
    console.log(results.map((r) => `${r.case} ${r.tensor} ${r.relativeError.toExponential(2)}`).join('\n'));
  expect(results.length).toBe(16);
  expect(results.filter((result) => !result.pass)).toEqual([]);
});
