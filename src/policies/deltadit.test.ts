import { expect, test } from 'vitest';
import { contextOf, numbers, siteOf, smallBlocks } from '../../test/scalars.ts';
import { treeOf } from '../model.ts';
import { testPolicy } from './conformance.ts';
import { deltadit } from './deltadit.ts';

testPolicy('deltadit', {
  conservative: { interval: 1 },
  variants: { default: {}, quarter: { share: 0.25, interval: 3, boundary: 0.7 } },
});

test('a share of the blocks at either end is reused, rounded down, but one at least', () => {
  const cuts = (numBlocks: number, share: number) => deltadit({ share }).cuts!(numBlocks);
  expect([cuts(28, 0.5), cuts(28, 0.3), cuts(7, 0.5), cuts(4, 0.1)]).toEqual([[14], [8, 20], [3, 4], [1, 3]]);
});

test('a residual is held only where the next step may reuse it', () => {
  const policy = deltadit({ interval: 2, boundary: 0.5 });
  const run = policy.begin(contextOf(8, 4, { tree: treeOf(smallBlocks(4), policy.cuts!(4)) }));
  const [front, back] = treeOf(smallBlocks(4), policy.cuts!(4)).children!;
  const held = [0, 1, 2, 3, 4, 5].map((step) => {
    for (const segment of [front!, back!]) run.observe!(siteOf(segment, step), numbers([1, 1, 1]));
    return run.heldBytes!();
  });
  expect(held).toEqual([12, 12, 12, 12, 12, 12]);
  run.dispose!();
  expect(run.heldBytes!()).toBe(0);
});
