import { expect, test } from 'vitest';
import type { Candidate } from './candidate.ts';
import { pick, reaches } from './targets.ts';

const candidate = (psnr: number, speedup: number) => ({ psnr, worstPsnr: psnr - speedup, speedup }) as Candidate;
const all = [candidate(40, 2), candidate(35, 5), candidate(31, 4), candidate(30, 8), candidate(22, 12)] as [
  Candidate,
  ...Candidate[],
];

test('the fastest of enough quality, the best of enough speed', () => {
  expect(pick(all, { quality: 30.5 })).toBe(all[1]);
  expect(pick(all, { quality: 30 })).toBe(all[3]);
  expect(pick(all, { speedup: 4.5 })).toBe(all[1]);
  expect(pick(all, { quality: 30, worst: 25 })).toBe(all[1]);
});

test('of equal ones the first', () => {
  const same = [candidate(40, 3), candidate(40, 3), candidate(39, 3)] as [Candidate, ...Candidate[]];
  expect(pick(same, { quality: 30 })).toBe(same[0]);
  expect(pick(same, { speedup: 9 })).toBe(same[0]);
});

test('the closest where none is enough', () => {
  expect(pick(all, { quality: 50 })).toBe(all[0]);
  expect(pick(all, { speedup: 50 })).toBe(all[4]);
});

test('whether a target is reached', () => {
  expect(reaches(all[0], { quality: 40 })).toBe(true);
  expect(reaches(all[0], { quality: 40.1 })).toBe(false);
  expect(reaches(all[0], { quality: 40, worst: 38 })).toBe(true);
  expect(reaches(all[0], { quality: 40, worst: 38.1 })).toBe(false);
  expect(reaches(all[0], { speedup: 2 })).toBe(true);
  expect(reaches(all[0], { speedup: 2.1 })).toBe(false);
});
