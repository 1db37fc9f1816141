import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createTrace } from '../trace.ts';
import { createBench, testPolicy } from './conformance.ts';
import { createPolicy } from './index.ts';
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

/** What is held after each step, in bytes. */
async function heldBy(options: Record<string, unknown>): Promise<number[]> {
  const bench = await createBench();
  const trace = createTrace();
  await bench.sample(createPolicy('pab', options), { trace });
  await bench.close();
  return trace.measurements.flatMap(({ values }) => values.heldBytes ?? []);
}

test('nothing is held that no later step adds', async () => {
  const reusing = { window: [0, 1000], rounding: 'none' };
  expect((await heldBy(reusing))[0]).toBeGreaterThan(0);
  expect((await heldBy({ ...reusing, window: [0, 500] }))[0]).toBe(0);
  // Of 12 steps the last one is computed, and nothing comes after it.
  expect((await heldBy({ ...reusing, spatial: 11, temporal: 11, cross: 11 })).at(-1)).toBe(0);
});
