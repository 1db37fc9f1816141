/** What a full run shows of itself, on states of one number. */
import { expect, test } from 'vitest';
import { contextOf, numbers, siteOf } from '../../test/scalars.ts';
import { QuantCacheError } from '../errors.ts';
import type { StepChange } from '../policies/fitting.ts';
import { watchSteps } from './watch.ts';

/** Inputs, residuals and outputs of three steps. */
const seen = [
  [10, 2, 4],
  [15, 1, 5],
  [15, 3, 2.5],
] as const;

async function changesOf(hasInput: boolean): Promise<StepChange[]> {
  const changes: StepChange[] = [];
  const context = contextOf(3);
  const run = watchSteps((change) => void changes.push(change)).begin(context);
  for (const [step, [input, residual, output]] of seen.entries()) {
    const signal = async () => {
      if (!hasInput) throw new QuantCacheError('invalid_option', 'not there');
      return numbers([input]);
    };
    expect(await run.decide({ ...siteOf(context.tree, step), signal })).toBeUndefined();
    await run.observe!(siteOf(context.tree, step), numbers([residual]));
    await run.observeOutput!({ step, latents: numbers([0]), output: numbers([output]) });
  }
  expect(run.heldBytes!()).toBe(hasInput ? 12 : 8);
  run.dispose!();
  expect(run.heldBytes!()).toBe(0);
  return changes;
}

test('from the second step on: relative changes of input and output, and the ratio of residuals', async () => {
  expect(await changesOf(true)).toEqual([
    { input: 0.5, magnitude: 0.5, output: 0.25 },
    { input: 0, magnitude: 3, output: 0.5 },
  ]);
});

test('a model without that input is watched without it', async () => {
  expect(await changesOf(false)).toEqual([
    { input: undefined, magnitude: 0.5, output: 0.25 },
    { input: undefined, magnitude: 3, output: 0.5 },
  ]);
});
