import { expect, test } from 'vitest';
import { torchGenerator } from '../samplers/random.ts';
import { fitPolynomial, leastSquares } from './leastsquares.ts';

const evaluated = (coefficients: readonly number[], x: number) => coefficients.reduce((sum, c) => sum * x + c, 0);

test.each([
  ['constant', [3]],
  ['line', [2, -1]],
  ["TeaCache's of Open-Sora 1.2", [217.546007, -118.329252, 26.8662585, -0.0459364272, 0.048442624]],
])('finds a known polynomial: %s', (_, coefficients) => {
  const xs = Array.from({ length: 29 }, (_, i) => 0.01 + i * 0.008);
  const ys = xs.map((x) => evaluated(coefficients, x));
  const fitted = fitPolynomial(xs, ys, 4);
  expect(fitted).toHaveLength(5);
  for (const [i, x] of xs.entries()) expect(evaluated(fitted, x)).toBeCloseTo(ys[i]!, 10);
  for (const [i, c] of coefficients.toReversed().entries()) expect(fitted.at(-1 - i)).toBeCloseTo(c, 4);
});

test('noise averages out and the residual is orthogonal to every power', () => {
  const xs = Array.from({ length: 400 }, (_, i) => i / 400);
  const noise = torchGenerator(1).randn(400);
  const ys = xs.map((x, i) => 1 + 2 * x - x ** 2 + 0.01 * noise[i]!);
  const fitted = fitPolynomial(xs, ys, 2);
  expect(fitted[0]).toBeCloseTo(-1, 1);
  expect(fitted[1]).toBeCloseTo(2, 1);
  for (const power of [0, 1, 2])
    expect(xs.reduce((sum, x, i) => sum + (ys[i]! - evaluated(fitted, x)) * x ** power, 0)).toBeCloseTo(0, 9);
});

test('fewer points than coefficients give a polynomial of lower degree', () => {
  expect(fitPolynomial([0.5], [2], 4)).toEqual([0, 0, 0, 0, expect.closeTo(2, 12)]);
  const line = fitPolynomial([1, 2, 2], [1, 3, 3], 4);
  expect(evaluated(line, 1)).toBeCloseTo(1, 10);
  expect(evaluated(line, 2)).toBeCloseTo(3, 10);
});

test('refuses what cannot be fitted', () => {
  expect(() => fitPolynomial([], [], 4)).toThrow(/no points/);
  expect(() => fitPolynomial([1, Number.NaN], [1, 2], 1)).toThrow(/not finite/);
  expect(leastSquares([[2]], [4])).toEqual([expect.closeTo(2, 12)]);
});
