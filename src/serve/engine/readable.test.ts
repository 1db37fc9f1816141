/** What of a policy's options is told. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readable } from './readable.ts';

test('tables of numbers are left out at any depth, and what people set stays', () => {
  const numbers = Array.from({ length: 25 }, (_, i) => i);
  const rows = Array.from({ length: 5 }, () => [1, 2, 3, 4, 5]);
  const told = {
    threshold: 0.1,
    codebook: [
      [0.03, 5],
      [0.06, 3],
    ],
    plans: { 30: Array.from({ length: 30 }, (_, step) => ({ step })) },
    modules: Array.from({ length: 30 }, (_, i) => `module ${i}`),
  };
  expect(readable({ ...told, numbers, rows, within: { rows, quality: 39 }, list: [{ numbers, step: 1 }] })).toEqual({
    ...told,
    within: { quality: 39 },
    list: [{ step: 1 }],
  });
});

test('of a profile it leaves what a page tells people, in less than a kilobyte', () => {
  const { options } = JSON.parse(readFileSync('models/demo/profiles/balanced.json', 'utf8')) as {
    options: { hlc: { leaps: { quality: number } } };
  };
  expect(JSON.stringify(options).length).toBeGreaterThan(10_000);
  expect(JSON.stringify(readable(options)).length).toBeLessThan(1000);
  expect(readable(options)).toMatchObject({ hlc: { leaps: { quality: options.hlc.leaps.quality } } });
});
