import { expect, test } from 'vitest';
import { createBench, testPolicy } from './conformance.ts';
import { createPolicy } from './index.ts';

testPolicy('adacache', {
  conservative: { codebook: [[1, 1]] },
  variants: {
    default: { codebook: 'long' },
    'motion, both blocks': { motion: true, motionStrides: [1, 2], blocks: [0, 1], motionScale: [0.385, 2, 1] },
    'cross and feed-forward': { probe: 'cross-attention+feed-forward', codebook: 'long' },
    spatial: { probe: 'spatial-attention', codebook: 'long' },
  },
});

test('a block that the model lacks is refused with the blocks it has', async () => {
  const bench = await createBench();
  await expect(bench.sample(createPolicy('adacache', { blocks: [7] }))).rejects.toThrow(/blocks 0 to 1/);
  await bench.close();
});
