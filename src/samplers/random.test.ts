/** Noise against values drawn by PyTorch itself (fixtures/torch_randn.json says which version). */

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { defaultSeed, parseSeed, torchGenerator } from './random.ts';

interface Fixture {
  cases: { seed: string; requests: { count: number; values: number[] }[] }[];
  large: { seed: string; count: number; index: number[]; values: number[]; mean: number; std: number };
}

const tolerance = 2e-6;
const fixture: Fixture = JSON.parse(readFileSync(new URL('fixtures/torch_randn.json', import.meta.url), 'utf8'));

function largestError(found: ArrayLike<number>, expected: number[]): number {
  return expected.reduce((worst, value, i) => Math.max(worst, Math.abs(value - found[i]!)), 0);
}

describe('torchGenerator', () => {
  test.each(fixture.cases)('seed $seed gives the numbers of torch.randn', ({ seed, requests }) => {
    const generator = torchGenerator(seed);
    for (const { count, values } of requests) {
      const found = generator.randn(count);
      expect(found.length).toBe(values.length);
      expect(largestError(found, values)).toBeLessThan(tolerance);
    }
  });

  test('a long stream agrees to its end', () => {
    const { seed, count, index, values, mean, std } = fixture.large;
    const found = torchGenerator(seed).randn(count);
    expect(
      largestError(
        index.map((i) => found[i]!),
        values,
      ),
    ).toBeLessThan(tolerance);
    const foundMean = found.reduce((sum, value) => sum + value, 0) / count;
    const foundStd = Math.sqrt(found.reduce((sum, value) => sum + (value - foundMean) ** 2, 0) / count);
    expect(foundMean).toBeCloseTo(mean, 7);
    expect(foundStd).toBeCloseTo(std, 7);
  });

  test('number, bigint and text seeds are the same; generators are independent', () => {
    const first = torchGenerator(42);
    first.randn(100);
    expect(torchGenerator(42n).randn(20)).toEqual(torchGenerator('42').randn(20));
    expect(first.randn(20)).not.toEqual(torchGenerator(42).randn(20));
    expect(torchGenerator(43).randn(20)).not.toEqual(torchGenerator(42).randn(20));
    expect(torchGenerator(0).randn(0).length).toBe(0);
  });
});

describe('parseSeed', () => {
  test.each([1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60, 2n ** 64n, -(2n ** 63n) - 1n, 'abc', '', '1e3'])(
    'refuses %s',
    (seed) => {
      expect(() => parseSeed(seed)).toThrow(/64-bit integer/);
    },
  );

  test('takes the whole range of PyTorch', () => {
    expect(parseSeed(2n ** 64n - 1n)).toBe(2n ** 64n - 1n);
    expect(parseSeed(' 42 ')).toBe(42n);
    expect(parseSeed('-9223372036854775808')).toBe(-(2n ** 63n));
  });
});

test('a run that names no seed has 42, by which clips were made again before', () => {
  expect(defaultSeed).toBe(42);
});
