import { describe, expect, test } from 'vitest';
import { createBench, testPolicy } from './conformance.ts';
import { taylorWeights } from './history.ts';
import { createPolicy } from './index.ts';

testPolicy('taylorseer', {
  conservative: { interval: 1 },
  variants: { default: {}, second: { order: 2, interval: 3, warmup: 3, level: 'module' } },
});

test('predicting steps and predicting modules is the same', async () => {
  const bench = await createBench();
  const options = { order: 2, interval: 3, warmup: 2 };
  const [whole, modules] = [
    await bench.sample(createPolicy('taylorseer', options)),
    await bench.sample(createPolicy('taylorseer', { ...options, level: 'module' })),
  ];
  const largest = Math.max(...whole.map(Math.abs));
  expect(Math.max(...whole.map((value, i) => Math.abs(value - modules[i]!))) / largest).toBeLessThan(2e-5);
  await bench.close();
});

describe('weights of a prediction', () => {
  const predict = (f: (s: number) => number, steps: number[], at: number, order: number) =>
    taylorWeights(steps, at, order).reduce((sum, weight, i) => sum + weight * f(steps[i]!), 0);

  test('order 0 holds, order 1 is exact for lines at any distances', () => {
    expect(taylorWeights([6, 3], 8, 0)).toEqual([1]);
    expect(predict((s) => 5 - 2 * s, [7, 3], 9, 1)).toBeCloseTo(-13, 10);
  });

  test('order 2 is the expansion with finite differences', () => {
    const f = (s: number) => s * s;
    const [n, k] = [4, 3];
    const difference = (f(8) - f(4)) / n;
    const second = (f(8) - 2 * f(4) + f(0)) / (n * n);
    expect(predict(f, [8, 4, 0], 8 + k, 2)).toBeCloseTo(f(8) + difference * k + (second * k * k) / 2, 10);
  });

  test('fewer residuals than the order give a lower order', () => {
    expect(taylorWeights([4], 6, 3)).toEqual([1]);
    expect(taylorWeights([4, 2], 6, 3)).toEqual([2, -1]);
  });
});
