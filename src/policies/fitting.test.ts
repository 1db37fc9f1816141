import { expect, test } from 'vitest';
import { createPolicy, policies } from './index.ts';

const runs = [1, 2].map((scale) =>
  Array.from({ length: 8 }, (_, i) => {
    const input = (scale * (i + 1)) / 40;
    return { input, output: 3 * input ** 2 + 0.01, magnitude: 1 - i / 100 - (scale - 1) * 0.02 };
  }),
);

test('teacache is fitted to the polynomial that changes follow', () => {
  const { coefficients } = policies.teacache!.fit!(runs) as { coefficients: number[] };
  expect(coefficients).toHaveLength(5);
  expect(coefficients[2]).toBeCloseTo(3, 3);
  expect(coefficients[4]).toBeCloseTo(0.01, 5);
});

test('magcache is fitted to mean ratios', () => {
  const { ratios } = policies.magcache!.fit!(runs) as { ratios: number[] };
  expect(ratios[0]).toBeCloseTo(0.99);
  expect(ratios[7]).toBeCloseTo(0.92);
});

test('what is fitted is accepted as options', () => {
  for (const [name, { fit: optionsFor }] of Object.entries(policies))
    if (optionsFor) expect(() => createPolicy(name, optionsFor(runs))).not.toThrow();
});
