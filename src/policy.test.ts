import { expect, test } from 'vitest';
import { contextOf, numbers, siteOf } from '../test/scalars.ts';
import {
  type Action,
  compute,
  type Leap,
  type Policy,
  predict,
  type Run,
  type RunContext,
  reuse,
  skip,
  stack,
} from './policy.ts';

const context = contextOf(6);
const step = context.tree;
const block = step.children![0]!.children![0]!;

const policyOf = (run: Partial<Run>, cuts?: Policy['cuts']): Policy => ({
  name: 'part',
  ...(cuts && { cuts }),
  begin: () => ({ decide: () => undefined, ...run }),
});
const deciding = (action: Action | undefined) => policyOf({ decide: async () => action });
const decide = (...actions: (Action | undefined)[]) =>
  stack('all', ...actions.map(deciding))
    .begin(context)
    .decide(siteOf(block, 2));

test('actions say what they are', () => {
  const tensor = numbers([1]);
  expect(compute()).toEqual({ do: 'compute', precision: undefined });
  expect(compute('w8a8')).toEqual({ do: 'compute', precision: 'w8a8' });
  expect(reuse(tensor)).toEqual({ do: 'reuse', terms: [{ tensor, weight: 1 }] });
  expect(predict([{ tensor, weight: 0.5 }])).toEqual({ do: 'reuse', terms: [{ tensor, weight: 0.5 }] });
  expect(skip).toEqual({ do: 'skip' });
});

test('of several policies the first that would not compute decides', async () => {
  const again = reuse(numbers([1]));
  expect(await decide(undefined, skip, again)).toEqual(skip);
  expect(await decide(compute('w8a8'), again, skip)).toEqual(again);
});

test('the first precision that one of them names is computed in', async () => {
  expect(await decide(undefined, compute('w8a8'), compute('w4a8'))).toEqual(compute('w8a8'));
  expect(await decide(compute(), compute('w4a8'), compute('w8a8'))).toEqual(compute('w4a8'));
  expect(await decide(undefined, undefined)).toEqual(compute());
});

test('policies are asked in order, and none after the one that decided', async () => {
  const asked: number[] = [];
  const parts = [undefined, skip, skip].map((action, i) =>
    policyOf({
      decide() {
        asked.push(i);
        return action;
      },
    }),
  );
  await stack('all', ...parts)
    .begin(context)
    .decide(siteOf(block, 2));
  expect(asked).toEqual([0, 1]);
});

test('the first leap is taken', () => {
  const leap = (steps: number): Leap => ({ steps, latents: { tensor: numbers([1]), weight: 1 }, outputs: [] });
  const parts = [
    policyOf({}),
    policyOf({ leap: () => undefined }),
    policyOf({ leap: leap }),
    policyOf({ leap: () => leap(9) }),
  ];
  expect(stack('all', ...parts).begin(context).leap!(3)).toMatchObject({ steps: 3 });
  expect(stack('none', ...parts.slice(0, 2)).begin(context).leap!(3)).toBeUndefined();
});

test('cuts of all are made once each, in order', () => {
  const all = stack(
    'all',
    policyOf({}, () => [5, 2]),
    policyOf({}),
    policyOf({}, (numBlocks) => [2, numBlocks - 1]),
  );
  expect(all.cuts!(20)).toEqual([2, 5, 19]);
  expect(stack('none', policyOf({})).cuts!(20)).toEqual([]);
});

test('the innermost level that one of them looks at is kept apart', () => {
  const finest = (...levels: Run['finest'][]) =>
    stack('all', ...levels.map((level) => policyOf(level ? { finest: level } : {}))).begin(context).finest;
  expect(finest('step', 'block')).toBe('block');
  expect(finest('step', 'step')).toBe('step');
  expect(finest('step', undefined)).toBe('module');
});

test('residuals go to those that want them, outcomes to all', async () => {
  const told: string[] = [];
  const part = (name: string, level?: string): Policy =>
    policyOf({
      ...(level && { wants: (node) => node.level === level }),
      observe: ({ node }) => void told.push(`${name} ${node.path}`),
      observeOutput: (outcome) => void told.push(`${name} output ${outcome.step}`),
    });
  const run = stack('all', part('a', 'step'), policyOf({}), part('b', 'block'), part('c')).begin(context);
  expect([step, block, block.children![0]!].map((node) => run.wants!(node, 0))).toEqual([true, true, false]);
  await run.observe!(siteOf(step, 1), numbers([1]));
  await run.observe!(siteOf(block, 1), numbers([1]));
  await run.observeOutput!({ step: 1, latents: numbers([1]), output: numbers([1]) });
  expect(told).toEqual(['a step', 'b block.0', 'a output 1', 'b output 1', 'c output 1']);
});

test('what they hold is added, and all of them are disposed of', () => {
  const disposed: number[] = [];
  const part = (bytes: number) => policyOf({ heldBytes: () => bytes, dispose: () => void disposed.push(bytes) });
  const run = stack('all', part(3), policyOf({}), part(4)).begin(context);
  expect(run.heldBytes!()).toBe(7);
  run.dispose!();
  expect(disposed).toEqual([3, 4]);
});

test('all of them begin with what the stack was told, and remember things apart', () => {
  const told: RunContext[] = [];
  const part: Policy = {
    name: 'part',
    begin(given) {
      given.state.data('counted', { number: told.push(given) });
      return { decide: () => undefined };
    },
  };
  const { state, ...others } = contextOf(6);
  stack('all', part, part).begin({ state, ...others });
  expect(told).toEqual([expect.objectContaining(others), expect.objectContaining(others)]);
  expect(stack('all', part).name).toBe('all');
});
