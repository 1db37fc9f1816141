import { expect, test } from 'vitest';
import { median } from './median.ts';

test('the median is the middle value, or the mean of the two in the middle, and leaves the list as it is', () => {
  const values = [10, 1, 9];
  expect(median(values)).toBe(9);
  expect(values).toEqual([10, 1, 9]);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(median([7])).toBe(7);
});
