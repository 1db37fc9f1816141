import { describe, expect, test } from 'vitest';
import { contextOf, numbers, siteOf } from '../../test/scalars.ts';
import { nodesOf } from '../model.ts';
import type { Measurement } from '../trace.ts';
import { adacache } from './adacache.ts';
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

/** Shows residuals of modules to a run, by path: `[path, step, ...values of as many frames]`. Returns what it measured. */
async function measurementsOf(
  options: Parameters<typeof adacache>[0],
  residuals: readonly (readonly [path: string, step: number, ...values: number[]])[],
  { numSteps = 30, numBlocks = 2 } = {},
): Promise<Record<string, number>[]> {
  const found: Measurement[] = [];
  const context = contextOf(numSteps, numBlocks, { measure: (one) => void found.push(one) });
  const run = adacache(options).begin(context);
  const nodes = new Map([...nodesOf(context.tree)].map((node) => [node.path, node]));
  for (const [path, step, ...values] of residuals) {
    const site = siteOf(nodes.get(path)!, step);
    expect(run.wants!(site.node, site.step)).toBe(true);
    await run.observe!(site, numbers(values, [1, values.length]));
  }
  run.dispose!();
  return found.map(({ values }) => ({ ...values }));
}

describe('published settings', () => {
  /** The rate after a change that lies below each threshold, from the first to beyond the last. */
  test.each([
    ['fast', [0.079, 0.159, 0.239, 0.319, 0.399, 0.41, 1.1], [6, 5, 4, 3, 2, 1, 1]],
    ['slow', [0.079, 0.159, 0.239, 0.319, 0.399, 0.41, 1.1], [3, 2, 1, 1, 1, 1, 1]],
    ['long', [0.029, 0.049, 0.069, 0.089, 0.109, 0.111, 1.1], [12, 10, 8, 6, 4, 3, 3]],
  ] as const)('rates of %s', async (codebook, changes, rates) => {
    const found = await Promise.all(
      changes.map((change) =>
        measurementsOf({ codebook }, [
          ['block.1.attn', 0, 1],
          ['block.1.attn', 1, 1 + change],
        ]),
      ),
    );
    expect(found.map(([values]) => values!.nextRate)).toEqual(rates);
  });

  test.each([
    ['fast', 30, 4, 26],
    ['slow', 60, 8, 52],
    ['long', 100, 10, 90],
    [[[1, 1]], 30, 4, 26],
  ] as const)('with %j in %i steps motion counts from forward %i to %i', async (codebook, numSteps, first, last) => {
    const steps = Array.from({ length: numSteps }, (_, step) => ['block.1.attn', step, 1, 3] as const);
    // |3 - 1| / (|3| + |1|) = 0.5, twice the first number of the scale; what does not count is 1.
    const motionScale = [0.25, 1, 1] as [number, number, number];
    const found = await measurementsOf({ codebook: codebook as 'fast', motion: true, motionScale }, steps, {
      numSteps,
    });
    const forwards = found.flatMap(({ motion }, i) => (motion === 2 ? [i + 2] : []));
    expect([forwards[0], forwards.at(-1), forwards.length]).toEqual([first, last, last - first + 1]);
  });
});

describe('what is compared', () => {
  const probed = (options: Parameters<typeof adacache>[0], numBlocks: number) => {
    const context = contextOf(6, numBlocks);
    const run = adacache(options).begin(context);
    return [...nodesOf(context.tree)]
      .filter((node) => node.level !== 'step' && run.wants!(node, 0))
      .map(({ path }) => path);
  };

  test('is the temporal attention of the middle block, or what is asked for', () => {
    expect(probed({}, 2)).toEqual(['block.1.attn']);
    expect(probed({}, 6)).toEqual(['block.3.attn']);
    expect(probed({}, 8)).toEqual(['block.3.attn']);
    expect(probed({ blocks: [0, 2] }, 6)).toEqual(['block.1.attn', 'block.5.attn']);
    expect(() => probed({ blocks: [0, 3] }, 6)).toThrow(/block 3, .* blocks 0 to 2/);
  });

  test('is the mean change of all blocks since the last computed step, by the rate then; motion is 1 where it is not asked for', async () => {
    const [first, second, third] = await measurementsOf(
      { blocks: [0, 1], codebook: 'fast' },
      [
        ['block.1.attn', 0, 1],
        ['block.3.attn', 0, 1],
        ['block.1.attn', 1, 1.25],
        ['block.3.attn', 1, 1.75],
        ['block.1.attn', 2, 2.5],
      ],
      { numBlocks: 4 },
    );
    expect(first).toEqual({ change: 0.25, rate: 1, average: 0.25, motion: 1, metric: 0.25, nextRate: 3 });
    expect(second).toMatchObject({ change: 0.75, average: 0.5, metric: 0.5, nextRate: 1 });
    expect(third).toMatchObject({ change: 1, average: 2 / 3 });
  });

  test('of several modules of a block is their sum', async () => {
    const [values] = await measurementsOf({ probe: 'temporal-attention+feed-forward', codebook: 'fast' }, [
      ['block.1.attn', 0, 1],
      ['block.1.mlp', 0, 3],
      ['block.1.attn', 1, 2],
      ['block.1.mlp', 1, 3],
    ]);
    expect(values).toMatchObject({ change: 0.25, nextRate: 3 });
  });

  test('and is no number means that the next step is computed', async () => {
    const [values] = await measurementsOf({ codebook: 'slow' }, [
      ['block.1.attn', 0, 1],
      ['block.1.attn', 1, Number.NaN],
    ]);
    expect(values).toMatchObject({ nextRate: 1 });
  });
});
