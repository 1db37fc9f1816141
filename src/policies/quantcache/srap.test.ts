import { describe, expect, test } from 'vitest';
import { contextOf, numbers, siteOf } from '../../../test/scalars.ts';
import { nodesOf } from '../../model.ts';
import { createTrace } from '../../trace.ts';
import { createBench, testPolicy } from '../conformance.ts';
import { createPolicy } from '../index.ts';
import { srap } from './srap.ts';

const open = { protectFirst: 1, protectLast: 1, threshold: 100, cap: 0.5 };

testPolicy('srap', {
  conservative: { threshold: 0 },
  variants: {
    nothing: { ...open, instead: 'nothing' },
    neighbour: { ...open, instead: 'neighbour', protectFirst: 2, cap: 0.25 },
    cached: { ...open, instead: 'cached', inARow: 1 },
  },
});

test('protects the first and last blocks, keeps the cap and the rows', async () => {
  const bench = await createBench();
  const trace = createTrace();
  await bench.sample(createPolicy('srap', { ...open, instead: 'nothing', cap: 0.25, warmup: 2, inARow: 2 }), { trace });
  const skipped = trace.decisions.filter(({ did }) => did === 'skip');
  expect(skipped.every(({ level }) => level === 'block')).toBe(true);
  expect(new Set(skipped.map(({ path }) => path))).toEqual(new Set(['temporal_blocks.0', 'spatial_blocks.1']));
  // One of four blocks per step, from step 2 to the one before the last.
  expect(skipped.map(({ step }) => step)).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10]);
  const inARow = skipped.map(({ path }, i) => i > 1 && path === skipped[i - 1]!.path && path === skipped[i - 2]!.path);
  expect(inARow).not.toContain(true);
  await bench.close();
});

test('what is measured of a block is its contribution and its likeness to the one before it', async () => {
  const bench = await createBench();
  const trace = createTrace();
  await bench.sample(createPolicy('srap', { ...open, instead: 'neighbour', threshold: 1e-9 }), { trace, numSteps: 2 });
  const values = trace.measurements.find(({ path }) => path === 'temporal_blocks.1')!.values;
  expect(values.contribution).toBeGreaterThan(0);
  expect(Math.abs(values.similarity!)).toBeLessThanOrEqual(1);
  expect(Math.sign(values.weight!)).toBe(Math.sign(values.similarity!));
  expect(trace.measurements.find(({ path }) => path === 'temporal_blocks.0')!.values).not.toHaveProperty('similarity');
  await bench.close();
});

describe('a block is left out exactly where its error by the equations is below the threshold', () => {
  const hidden = numbers([6, 8]);
  const other = numbers([3, 0]);
  /** What block.3 adds at the steps 0, 1 and 2; its neighbour of the same kind, block.1, always adds `other`. */
  const residuals = [numbers([1, 1]), numbers([1, 2]), numbers([1.2, 1.6])];

  /** The steps from 3 on at which block.3 is left out; all other blocks are protected or contribute much more. */
  async function leftOut(instead: 'nothing' | 'neighbour' | 'cached', threshold: number): Promise<number[]> {
    const policy = srap({
      instead,
      threshold,
      cap: 1,
      protectFirst: 3,
      protectLast: 2,
      inARow: 5,
      warmup: 3,
      final: 0,
    });
    const context = contextOf(6, 6);
    const run = policy.begin(context);
    const blocks = context.tree.children![0]!.children!;
    const steps: number[] = [];
    for (let step = 0; step < 6; step++) {
      await run.decide(siteOf(context.tree, step, hidden));
      for (const block of blocks) {
        const site = siteOf(block, step, hidden);
        const action = await run.decide(site);
        if (action && action.do !== 'compute') {
          expect(block.path).toBe('block.3');
          steps.push(step);
        } else if (run.wants!(block, 0)) {
          await run.observe!(site, block.path === 'block.3' ? residuals[Math.min(step, 2)]! : other);
        }
      }
    }
    run.dispose!();
    return steps;
  }

  const contribution = Math.hypot(1.2, 1.6) / Math.hypot(6, 8);

  test('nothing in its place: E = c', async () => {
    expect(await leftOut('nothing', contribution * 0.999)).toEqual([]);
    expect(await leftOut('nothing', contribution * 1.001)).toEqual([3, 4, 5]);
  });

  test("its neighbour's residual: E = c sqrt(1 - S^2)", async () => {
    const similarity = 1.2 / Math.hypot(1.2, 1.6);
    const error = contribution * Math.sqrt(1 - similarity ** 2);
    expect(await leftOut('neighbour', error * 0.999)).toEqual([]);
    expect(await leftOut('neighbour', error * 1.001)).toEqual([3, 4, 5]);
  });

  test('its own last residual: E = c D (s - last), which grows until it is computed again', async () => {
    const divergence = (0.2 + 0.4) / (1 + 2);
    const error = contribution * divergence;
    expect(await leftOut('cached', error * 0.999)).not.toContain(3);
    expect((await leftOut('cached', error * 1.001))[0]).toBe(3);
    expect(await leftOut('cached', error * 1.999)).not.toContain(4);
    expect((await leftOut('cached', error * 2.001)).slice(0, 2)).toEqual([3, 4]);
  });
});

test('the cap is a share of all blocks, rounded down', async () => {
  const policy = srap({ ...open, instead: 'nothing', cap: 0.3, protectFirst: 0, protectLast: 0, warmup: 1, final: 0 });
  const context = contextOf(2, 6);
  const run = policy.begin(context);
  const blocks = context.tree.children![0]!.children!;
  const decisions = [];
  for (const block of blocks) await run.observe!(siteOf(block, 0), numbers([0.1]));
  for (const block of blocks) decisions.push((await run.decide(siteOf(block, 1)))?.do);
  // 0.3 of six blocks is one; of those that do as little the first.
  expect(decisions).toEqual(['skip', ...Array(5).fill('compute')]);
  run.dispose!();
});

test('residuals are kept of the blocks that may be left out alone', async () => {
  const wanted = async (options: Parameters<typeof srap>[0]) => {
    const context = contextOf(6, 6);
    const run = srap({ protectFirst: 2, protectLast: 2, ...options }).begin(context);
    await run.decide(siteOf(context.tree, 0));
    return { paths: [...nodesOf(context.tree)].filter((node) => run.wants!(node, 0)).map(({ path }) => path), run };
  };
  expect((await wanted({ instead: 'cached' })).paths).toEqual(['block.2', 'block.3']);
  const nothing = await wanted({ threshold: 0 });
  expect(nothing.paths).toEqual([]);
  // All of a step may run as one graph.
  expect(nothing.run.finest).toBe('step');
});
