/** The memory that the parts share, on residuals of two numbers: 8 bytes each. */
import { expect, test } from 'vitest';
import { contextOf, numbers, siteOf } from '../../../test/scalars.ts';
import { nodesOf } from '../../model.ts';
import { createMemory } from './memory.ts';

function memoryOf(limit: number) {
  const warnings: string[] = [];
  const context = contextOf(6, 2, { warn: (message) => void warnings.push(message) });
  const memory = createMemory(context, { depth: ({ level }) => (level === 'block' ? 2 : 0), limit });
  const [block, other] = [...nodesOf(context.tree)].filter(({ level }) => level === 'block');
  return { memory, warnings, block: block!, other: other! };
}
const hidden = numbers([1, 1]);

test('room that residuals do not take can be reserved, and is counted once', () => {
  const { memory, warnings, block, other } = memoryOf(100);
  expect(memory.wants(block)).toBe(false);
  memory.size(hidden);
  memory.size(hidden);
  expect([memory.wants(block), memory.wants(other), warnings]).toEqual([true, true, []]);
  // Two residuals of two blocks take 32 of 100 bytes.
  expect([memory.reserve(69), memory.reserve(40), memory.reserve(29), memory.reserve(28)]).toEqual([
    false,
    true,
    false,
    true,
  ]);
});

test('what does not fit is not remembered, and told', () => {
  const { memory, warnings, block, other } = memoryOf(31);
  memory.size(hidden);
  expect([memory.wants(block), memory.wants(other)]).toEqual([true, false]);
  expect(warnings).toEqual([expect.stringMatching(/Only 1 of 2 residuals fit/)]);
  expect(memory.predict(other, 1)).toBeUndefined();
  expect([memory.reserve(16), memory.reserve(15)]).toEqual([false, true]);
});

test('what was seen of a node is its last step and the relative change per step', async () => {
  const { memory, block } = memoryOf(100);
  memory.size(hidden);
  expect(memory.seen(block)).toBeUndefined();
  const [first, second] = [numbers([2, 2]), numbers([3, 5])];
  await memory.observe(siteOf(block, 0), first);
  expect(memory.seen(block)).toEqual({ step: 0 });
  await memory.observe(siteOf(block, 2), second);
  expect(memory.seen(block)).toEqual({ step: 2, divergence: 4 / 4 / 2 });
  // The line through both.
  expect(memory.predict(block, 3)).toEqual([
    { tensor: second, weight: 1.5 },
    { tensor: first, weight: -0.5 },
  ]);
  expect(memory.heldBytes()).toBe(16);
  memory.dispose();
  expect(memory.heldBytes()).toBe(0);
});
