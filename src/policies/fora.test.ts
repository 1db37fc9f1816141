import { expect, test } from 'vitest';
import { createBench, testPolicy } from './conformance.ts';
import { createPolicy } from './index.ts';

testPolicy('fora', {
  conservative: { interval: 1 },
  variants: { default: {}, attention: { modules: ['spatial-attention'] } },
});

test('modules that the network has not are refused', async () => {
  const bench = await createBench();
  await expect(bench.sample(createPolicy('fora', { modules: ['spatial'] }))).rejects.toThrow(/fora.*spatial/s);
  await bench.close();
});
