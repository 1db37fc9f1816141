import { expect, test } from 'vitest';
import { createRuntime } from '../../../runtime/node.ts';
import { verifyFolder } from '../../../verification/verify.ts';
import { verifyStdit3 } from '../verify/stdit3.ts';

test('every residual, hidden state and output agrees with the original', async () => {
  const runtime = await createRuntime();
  const results = [];
  for await (const result of verifyFolder(runtime, 'test/fixtures/golden', {
    verifiers: { stdit3_forward: verifyStdit3 },
  })) {
    if (!('skipped' in result)) results.push(result);
  }
  expect(results.length).toBeGreaterThan(60);
  expect(results.filter((result) => !result.pass)).toEqual([]);
});
