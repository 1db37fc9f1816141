/** What a step predicts, by arithmetic on a few numbers. */
import { expect, test } from 'vitest';
import { predictClean } from './predict.ts';
import type { Tensor } from './runtime/runtime.ts';

const tensor = (values: number[], dims: number[]) => ({ values: Float32Array.from(values), dims }) as unknown as Tensor;
const runtime = { read: async (one: Tensor) => (one as unknown as { values: Float32Array }).values };
const setting = { noiseLevel: 0.5, guidanceScale: 3 };

test('without guidance: straight ahead by the noise that is left, and further channels are not looked at', async () => {
  const input = tensor([1, 2], [1, 1, 2, 1, 1]);
  const output = tensor([10, 20, 900, 900], [1, 2, 2, 1, 1]);
  expect(await predictClean(runtime, { input, output }, setting)).toEqual(Float32Array.of(6, 12));
});

test('with guidance: away from the second half of the batch', async () => {
  const input = tensor([0, 1], [2, 1, 1, 1, 1]);
  const output = tensor([4, 8, 2, 2], [4, 1, 1, 1, 1]);
  // 2 + 3 (4 - 2) = 8; 2 + 3 (8 - 2) = 20
  expect(await predictClean(runtime, { input, output }, setting)).toEqual(Float32Array.of(4, 11));
});

test('frames that are given are what they are; the input stays as it is', async () => {
  const input = tensor([1, 2, 3, 4], [1, 2, 2, 1, 1]);
  const output = tensor([10, 10, 10, 10], [1, 2, 2, 1, 1]);
  const frameMask = [[false, true]];
  expect(await predictClean(runtime, { input, output, frameMask }, setting)).toEqual(Float32Array.of(1, 7, 3, 9));
  expect(await runtime.read(input)).toEqual(Float32Array.of(1, 2, 3, 4));
});

test('a step that was leapt over predicts nothing', async () => {
  expect(await predictClean(runtime, {}, setting)).toBeUndefined();
});
