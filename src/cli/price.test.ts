/** The price of a calibration, as it is said. */
import { expect, test } from 'vitest';
import { tellPrice } from './price.ts';

function told(price: Parameters<typeof tellPrice>[0]) {
  const notes: string[] = [];
  let now = 0;
  const follow = tellPrice(price, { note: (message) => notes.push(message) }, () => now);
  const step = (number: number, milliseconds: number) => {
    now += milliseconds;
    follow({ type: 'step', prompt: 'a red star', step: number, numSteps: 30 });
  };
  return { notes, follow, step };
}

test('runs at once; time after the second step, once: the first one compiles', () => {
  const { notes, step } = told({ fullRuns: 2, clips: 0, steps: 60 });
  expect(notes).toEqual(['2 full runs; nothing is tried out: at most 60 computed steps']);
  step(1, 90_000);
  expect(notes.length).toBe(1);
  step(2, 60_000);
  step(3, 10);
  expect(notes.slice(1)).toEqual(['a step takes 1 min 0 s: all of it at most 60 minutes']);
});

test('where all runs are recorded, time by the first full clip', () => {
  const { notes, follow } = told({ fullRuns: 1, clips: 14, steps: 450 });
  expect(notes).toEqual(['1 full run, 14 accelerated clips are tried: at most 450 computed steps']);
  follow({ type: 'reference', prompt: 'a red star', numSteps: 30, milliseconds: 1_800_000 });
  expect(notes[1]).toBe('a step takes 1 min 0 s: all of it at most 7.5 hours');
});

test('nothing to compute is said, and nothing else', () => {
  const { notes, step } = told({ fullRuns: 0, clips: 0, steps: 0 });
  step(1, 10);
  step(2, 10);
  expect(notes).toEqual(['all runs are recorded already, and nothing is tried out']);
});
