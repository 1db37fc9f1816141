import { expect, test } from 'vitest';
import { createRuntime } from '../../../runtime/node.ts';
import { verifyFolder } from '../../../verification/verify.ts';
import { verifyRflow } from './rflow.ts';

test('sampling agrees with the original at every step, with and without given frames', async () => {
  const runtime = await createRuntime();
  const results = [];
  for await (const result of verifyFolder(runtime, 'test/fixtures/golden', {
    verifiers: { rflow_sample: verifyRflow },
  })) {
    if (!('skipped' in result)) results.push(result);
  }
  expect(results.length).toBeGreaterThan(50);
  expect(results.filter((result) => !result.pass)).toEqual([]);
});
