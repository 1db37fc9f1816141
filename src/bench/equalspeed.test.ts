/** Pairs at equal speed, on made-up rows. */
import { expect, test } from 'vitest';
import type { Entry, Kind } from './entries.ts';
import { atEqualSpeed } from './equalspeed.ts';

const entry = (label: string, kind: Kind, speed: number, psnr?: number, agreement?: number): Entry =>
  ({
    row: { label },
    kind,
    speed,
    summary: {
      fidelity: psnr === undefined ? undefined : { psnr: { median: psnr } },
      agreement: agreement === undefined ? undefined : { all: agreement },
    },
  }) as Entry;

test('beside each row stands the best of ours that is about as fast', () => {
  const entries = [
    entry('full', 'full', 1),
    entry('slow', 'quantcache', 2, 50, 0.9),
    entry('fast', 'quantcache', 5, 40, 0.8),
    entry('useless', 'quantcache', 4, 30, 0.7),
    entry('peer a', 'caching', 2.1, 45, 0.85),
    entry('peer b', 'caching', 2.2, 45),
    entry('fewer', 'fewer steps', 4.9, 42, 0.8),
    entry('too fast', 'caching', 5.4, 20, 0.2),
    { ...entry('simulated', 'quantization', 1, 20), simulated: 'w4a6' },
  ];
  const found = atEqualSpeed(entries).map(({ other, ours, psnr, agreement }) => [
    other.row.label,
    ours.row.label,
    psnr,
    agreement && Math.round(agreement * 100),
  ]);
  expect(found).toEqual([
    ['peer a', 'slow', 5, 5],
    ['peer b', 'fast', -5, undefined],
    ['fewer', 'fast', -2, 0],
  ]);
});

test('there are no pairs without a row of ours', () => {
  expect(atEqualSpeed([entry('peer', 'caching', 2, 40)])).toEqual([]);
});
