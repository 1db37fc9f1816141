import { expect, test } from 'vitest';
import { createRuntime } from '../runtime/node.ts';
import { euler } from './euler.ts';

const runtime = await createRuntime({ threads: 1 });
const dims = [1, 2, 1, 1, 2];
const latents = runtime.tensor(Float32Array.of(1, 2, 3, 4), dims);
// Two parts of a batch, three channels each, of which the last is no velocity.
const output = runtime.tensor(Float32Array.of(1, 1, 2, 2, 9, 9, 10, 10, 20, 20, 9, 9), [2, 3, 1, 1, 2]);
const options = { noiseLevels: [1, 0.5, 0], guidanceScale: 3, guided: true, channels: 2 };

test('a leap is the weighted sum of latents and of the parts of outputs', async () => {
  const sampler = euler(runtime, options);
  const leap = { steps: 1, latents: { tensor: latents, weight: 2 }, outputs: [{ tensor: output, weights: [3, -0.5] }] };
  const next = await sampler.leap!(leap);
  expect(next.dims).toEqual(dims);
  expect([...(await runtime.read(next))]).toEqual([2 + 3 - 5, 4 + 3 - 5, 6 + 6 - 10, 8 + 6 - 10]);
  await sampler.dispose();
});

test('a leap with the weights of a step is that step', async () => {
  const sampler = euler(runtime, options);
  const outputs = [{ tensor: output, weights: [0.5 * 3, 0.5 * -2] }];
  const leapt = await sampler.leap!({ steps: 1, latents: { tensor: latents, weight: 1 }, outputs });
  const stepped = await sampler.advance(latents, { latents }, output, 0);
  expect([...(await runtime.read(leapt))]).toEqual([...(await runtime.read(stepped))]);
  await sampler.dispose();
});

test('where frames are given there are no leaps', () => {
  expect(euler(runtime, { ...options, mask: [[1]] }).leap).toBeUndefined();
});
