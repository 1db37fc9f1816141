/** Pairs at equal speed, on made-up rows. */
import { expect, test } from 'vitest';
import type { Entry, Kind } from './entries.ts';
import { atEqualSpeed } from './equalspeed.ts';

const entry = (label: string, kind: Kind, speed: number, psnr?: number): Entry =>
  ({
    row: { label },
    kind,
    speed,
    summary: { fidelity: psnr === undefined ? undefined : { psnr: { median: psnr } } },
  }) as Entry;

test('beside each row stands the best of ours that is about as fast', () => {
  const entries = [
    entry('full', 'full', 1),
    entry('slow', 'quantcache', 2, 50),
    entry('fast', 'quantcache', 5, 40),
    entry('useless', 'quantcache', 4, 30),
    entry('peer a', 'caching', 2.1, 45),
    entry('peer b', 'caching', 2.2, 45),
    entry('fewer', 'fewer steps', 4.9, 42),
    entry('too fast', 'caching', 5.4, 20),
    { ...entry('simulated', 'quantization', 1, 20), simulated: 'w4a6' },
  ];
  const found = atEqualSpeed(entries).map(({ other, ours, psnr }) => [other.row.label, ours.row.label, psnr]);
  expect(found).toEqual([
    ['peer a', 'slow', 5],
    ['peer b', 'fast', -5],
    ['fewer', 'fast', -2],
  ]);
});

test('there are no pairs without a row of ours', () => {
  expect(atEqualSpeed([entry('peer', 'caching', 2, 40)])).toEqual([]);
});
