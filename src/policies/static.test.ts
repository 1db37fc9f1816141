import { expect, test } from 'vitest';
import { contextOf, numbers, siteOf } from '../../test/scalars.ts';
import { testPolicy } from './conformance.ts';
import { createPolicy } from './index.ts';

testPolicy('static', {
  conservative: { every: 1 },
  variants: { default: {}, masked: { mask: '8-1-3-2-3-2-2-2-1-3-1' } },
});

test('a mask outweighs "every", however short it is', async () => {
  const computed = async (options: Record<string, unknown>) => {
    const run = createPolicy('static', options).begin(contextOf(4));
    const { tree } = contextOf(4);
    await run.observe!(siteOf(tree, 0), numbers([1]));
    const actions = await Promise.all([0, 1, 2, 3].map((step) => run.decide(siteOf(tree, step))));
    return actions.flatMap((action, step) => (action === undefined ? [step] : []));
  };
  expect(await computed({ every: 2 })).toEqual([0, 2]);
  expect(await computed({ every: 2, mask: '1' })).toEqual([0, 1, 2, 3]);
});

test('a mask may have so many steps and no more', () => {
  const longest = Number(/more than (\d+) steps/.exec(String(thrownBy('1-99999999')))![1]);
  expect(() => createPolicy('static', { mask: `1-${longest - 1}` })).not.toThrow();
  expect(() => createPolicy('static', { mask: `1-${longest}` })).toThrow(/run lengths are more than/);
});

function thrownBy(mask: string): unknown {
  try {
    return createPolicy('static', { mask });
  } catch (error) {
    return error;
  }
}
