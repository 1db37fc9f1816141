/** The oracle itself, on numbers that can be checked by hand or come from PyTorch's documentation. */
import { expect, test } from 'vitest';
import * as reference from './reference.ts';

const dense = (shape: number[], values: number[]) => ({ shape, data: Float64Array.from(values) });

test('linear is x W^T + b', () => {
  const y = reference.linear(dense([1, 2], [1, 2]), dense([3, 2], [1, 0, 0, 1, 1, 1]), dense([3], [10, 20, 30]));
  expect(y).toEqual(dense([1, 3], [11, 22, 33]));
});

test('gelu is the tanh form', () => {
  expect(reference.gelu(dense([1], [1])).data[0]).toBeCloseTo(0.8411919906, 9);
});

test('silu', () => {
  expect(reference.silu(dense([1], [1])).data[0]).toBeCloseTo(0.7310585786, 9);
});

test('layerNorm has the biased variance', () => {
  expect([...reference.layerNorm(dense([1, 2], [1, 3]), 0).data]).toEqual([-1, 1]);
});

test('rmsNorm keeps the mean', () => {
  const [first, second] = reference.rmsNorm(dense([1, 2], [1, 7]), dense([2], [1, 2]), 0).data;
  expect(first).toBeCloseTo(0.2, 12);
  expect(second).toBeCloseTo(2.8, 12);
});

test('groupNorm takes neighbouring channels together', () => {
  const x = dense([1, 4, 1], [1, 3, 10, 30]);
  const y = reference.groupNorm(x, dense([4], [1, 1, 1, 2]), dense([4], [0, 0, 0, 5]), 2, 0);
  expect([...y.data]).toEqual([-1, 1, -1, 7]);
});

test('attention with equal scores averages, and a bias chooses', () => {
  const [q, k, v] = [dense([1, 1, 2], [0, 0]), dense([1, 2, 2], [1, 2, 3, 4]), dense([1, 2, 2], [1, 2, 3, 6])];
  expect([...reference.attention(q, k, v, { heads: 1 }).data]).toEqual([2, 4]);
  const bias = dense([1, 1, 1, 2], [0, -1000]);
  expect([...reference.attention(q, k, v, { heads: 1, bias }).data]).toEqual([1, 2]);
});

test('rotaryEmbedding turns by the angle', () => {
  const y = reference.rotaryEmbedding(dense([1, 1, 2], [1, 2]), dense([1, 1], [0]), dense([1, 1], [1]), 1);
  expect([...y.data]).toEqual([-2, 1]);
});

test('convolution correlates, padding with zeros', () => {
  const y = reference.convolution(dense([1, 1, 1, 3], [1, 2, 3]), dense([1, 1, 1, 2], [1, 10]), dense([1], [100]), {
    strides: [1, 1],
    pads: [0, 1, 0, 0],
  });
  expect(y).toEqual(dense([1, 1, 1, 3], [110, 121, 132]));
});

test('upsampleNearest repeats pixels', () => {
  const y = reference.upsampleNearest(dense([1, 1, 1, 2], [1, 2]));
  expect(y).toEqual(dense([1, 1, 2, 4], [1, 1, 2, 2, 1, 1, 2, 2]));
});
