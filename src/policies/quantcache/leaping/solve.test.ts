import fc from 'fast-check';
import { expect, test } from 'vitest';
import { dot, solve } from './solve.ts';

test('the sum of products', () => {
  expect(dot([1, 2, 3], [4, 0, -1])).toBe(1);
  expect(dot([], [])).toBe(0);
  expect(dot(Float32Array.of(0.5, 0), [3, 9])).toBe(1.5);
});

test('solves systems that are positive definite', () => {
  expect(solve([[4, 2]])).toEqual([0.5]);
  expect(
    solve([
      [2, 1, 5],
      [1, 3, 10],
    ]),
  ).toEqual([1, 3]);
  const number = fc.double({ min: -3, max: 3, noNaN: true });
  const systems = fc.integer({ min: 1, max: 5 }).chain((size) => {
    const list = fc.array(number, { minLength: size, maxLength: size });
    return fc.record({ factors: fc.array(list, { minLength: size, maxLength: size }), solution: list });
  });
  fc.assert(
    fc.property(systems, ({ factors, solution }) => {
      // A A' + 1 is positive definite whatever A is.
      const rows = factors.map((a, i) => factors.map((b, j) => dot(a, b) + Number(i === j)));
      const found = solve(rows.map((row) => [...row, dot(row, solution)]));
      for (const [i, value] of solution.entries()) expect(found[i]).toBeCloseTo(value, 6);
    }),
    { seed: 1, numRuns: 50 },
  );
});
