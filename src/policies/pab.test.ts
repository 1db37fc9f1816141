import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { testPolicy } from './conformance.ts';
import { pabSchedule } from './pab.ts';

testPolicy('pab', {
  conservative: { spatial: 1, temporal: 1, cross: 1, feedForwardKeys: [] },
  variants: {
    default: { window: [100, 950] },
    'all of it': { window: [0, 1000], rounding: 'none', feedForwardKeys: [1000] },
  },
});

test('timesteps are rounded as the original rounds them', () => {
  const read = (name: string) => JSON.parse(readFileSync(`test/fixtures/golden/${name}.json`, 'utf8')).cases;
  const schedules = read('pab_schedule') as { schedule: { timestep: number }[] }[];
  const timesteps = read('rflow_timesteps') as { bf16_args: number[] }[];
  for (const [i, { schedule }] of schedules.entries()) {
    const exact = schedule.map(({ timestep }) => timestep);
    expect(pabSchedule({}, timesteps[i]!.bf16_args)).toEqual(pabSchedule({ rounding: 'none' }, exact));
  }
});

test('feed-forward layers are reused for some steps after a key timestep, not at it', () => {
  const options = { rounding: 'none' as const, feedForwardKeys: [864], feedForwardSteps: 2 };
  const schedule = pabSchedule(options, [950, 864, 700, 600, 500]);
  expect(schedule.map(({ feedForward }) => feedForward)).toEqual([false, false, true, true, false]);
});
