import { expect, test } from 'vitest';
import { createRuntime, openModel } from '../index.ts';
import { benchStep } from './step.ts';

test('modules of a step that ran as one graph have no times', async () => {
  await using runtime = await createRuntime({ threads: 1 });
  await using pipeline = await openModel(runtime);
  const result = await benchStep(pipeline, runtime, {
    prompt: 'a red star',
    size: '32x32',
    frames: 1,
    numSteps: 2,
    seed: 1,
  });
  expect(result.steps).toHaveLength(2);
  expect(result.medianStep).toBeGreaterThan(0);
  expect(result.kinds).toEqual({});
});
