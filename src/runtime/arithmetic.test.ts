import { afterAll, expect, test } from 'vitest';
import { torchGenerator } from '../samplers/random.ts';
import { createArithmetic } from './arithmetic.ts';
import { createRuntime } from './node.ts';

const runtime = await createRuntime({ threads: 1 });
const arithmetic = createArithmetic(runtime);
afterAll(() => arithmetic.dispose());

const dims = [2, 3, 4, 5];
const { randn } = torchGenerator(1);
const [x, y, z] = [randn(120), randn(120), randn(120)];
const [a, b, c] = [x, y, z].map((data) => runtime.tensor(data, dims)) as [never, never, never];
const sum = (count: number, term: (i: number) => number) =>
  Array.from({ length: count }, (_, i) => term(i)).reduce((s, v) => s + v, 0);
const abs = Math.abs;

test('comparisons are those of the formulas', async () => {
  const change = sum(120, (i) => abs(x[i]! - y[i]!));
  expect(await arithmetic.relativeL1(a, b)).toBeCloseTo(change / sum(120, (i) => abs(y[i]!)), 5);
  expect(await arithmetic.meanAbsolute(a)).toBeCloseTo(sum(120, (i) => abs(x[i]!)) / 120, 5);
  expect(await arithmetic.meanAbsolute(a, b)).toBeCloseTo(change / 120, 5);
  const dot = (p: Float32Array, q: Float32Array, from = 0, count = 120) =>
    sum(count, (i) => p[from + i]! * q[from + i]!);
  expect(await arithmetic.cosine(a, b)).toBeCloseTo(dot(x, y) / Math.sqrt(dot(x, x) * dot(y, y)), 5);
  const norm = (p: Float32Array, row: number) => Math.sqrt(dot(p, p, row * 5, 5));
  expect(await arithmetic.magnitudeRatio(a, b)).toBeCloseTo(sum(24, (row) => norm(x, row) / norm(y, row)) / 24, 4);
});

test('frames are compared with those a stride later', async () => {
  const at = (batch: number, frame: number, i: number) => x[(batch * 3 + frame) * 20 + i]!;
  for (const stride of [1, 2]) {
    let [difference, size] = [0, 0];
    for (let batch = 0; batch < 2; batch++) {
      for (let frame = stride; frame < 3; frame++) {
        difference += sum(20, (i) => abs(at(batch, frame, i) - at(batch, frame - stride, i)));
        size += sum(20, (i) => abs(at(batch, frame, i)) + abs(at(batch, frame - stride, i)));
      }
    }
    expect(await arithmetic.frameDifference(a, stride)).toBeCloseTo(difference / size, 5);
  }
});

test('sums are weighted', async () => {
  const result = await arithmetic.combine([
    { tensor: a, weight: 1 },
    { tensor: b, weight: -0.5 },
    { tensor: c, weight: 2 },
  ]);
  const found = await runtime.read(result);
  expect(result.dims).toEqual(dims);
  for (let i = 0; i < 120; i++) expect(found[i]).toBeCloseTo(x[i]! - 0.5 * y[i]! + 2 * z[i]!, 5);
});
