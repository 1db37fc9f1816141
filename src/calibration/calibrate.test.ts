/** Measuring and calibration on a made-up model of a few numbers (`test/family/`). */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { mixer } from '../../test/family/index.ts';
import type { Pipeline } from '../pipeline.ts';
import { builtinAverages } from '../policies/quantcache/leaping/builtin.ts';
import { createRuntime } from '../runtime/node.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { type CalibrationEvent, type CalibrationOptions, calibrate } from './calibrate.ts';
import { type MeasuringEvent, type MeasuringOptions, measure } from './measure.ts';
import { noMeasurements } from './measurements.ts';

let runtime: Runtime;
let pipeline: Pipeline;
beforeAll(async () => {
  runtime = await createRuntime({ threads: 1 });
  pipeline = await mixer.open(runtime, 'mixer', '', {});
});
afterAll(() => runtime[Symbol.asyncDispose]());

const nothing = noMeasurements({ model: { name: 'mixer', hash: 'mixer' }, guidanceScale: 3, geometry: {} });

/** All events, and what is returned. */
async function all<Event, Result>(run: AsyncGenerator<Event, Result>): Promise<{ events: Event[]; result: Result }> {
  const events: Event[] = [];
  let next = await run.next();
  for (; !next.done; next = await run.next()) events.push(next.value);
  return { events, result: next.value };
}

describe('measuring', () => {
  const options: MeasuringOptions = { prompts: ['waves', 'clouds'], seed: 5, numSteps: [2, 3] };
  const promptsOf = (events: MeasuringEvent[]) =>
    events.flatMap((event) => (event.type === 'prompt' ? [event.measurements.prompts.at(-1)!] : []));

  test('takes a full run of each prompt with a seed of its own, at each number of steps, and none twice', async () => {
    const { events, result } = await all(measure(pipeline, runtime, options, nothing));
    expect(result.prompts.map(({ prompt, seed, numSteps }) => [prompt, seed, numSteps])).toEqual([
      ['waves', 5, 2],
      ['clouds', 6, 2],
      ['waves', 5, 3],
      ['clouds', 6, 3],
    ]);
    expect(promptsOf(events)).toEqual(result.prompts);
    const steps = events.flatMap((event) =>
      event.type === 'step' ? [`${event.prompt} ${event.step}/${event.numSteps}`] : [],
    );
    expect(steps.slice(0, 4)).toEqual(['waves 1/2', 'waves 2/2', 'clouds 1/2', 'clouds 2/2']);
    // Latents before each step and at the end, and a velocity of each part of the batch per step.
    for (const { gram } of result.prompts) expect(gram.map((row) => row.length)).toEqual(gram.map((_, i) => i + 1));
    expect(result.prompts.map(({ gram, latents }) => [gram.length, latents.length])).toEqual([
      [2 + 1 + 4, 2],
      [2 + 1 + 4, 2],
      [3 + 1 + 6, 3],
      [3 + 1 + 6, 3],
    ]);

    const known = { ...result, prompts: result.prompts.slice(1) };
    const again = await all(measure(pipeline, runtime, options, known));
    expect(promptsOf(again.events)).toEqual([result.prompts[0]]);
    const moved = await all(measure(pipeline, runtime, { ...options, seed: 6, numSteps: [2] }, result));
    expect(promptsOf(moved.events).map(({ prompt, seed }) => [prompt, seed])).toEqual([
      ['waves', 6],
      ['clouds', 7],
    ]);
  });

  test('without guidance the network answers once per step', async () => {
    const encode = vi.spyOn(pipeline.text, 'encode');
    const { result } = await all(
      measure(pipeline, runtime, { ...options, prompts: ['waves'], numSteps: [2], guidanceScale: 1 }, nothing),
    );
    expect(encode.mock.calls.map(([{ guided }]) => guided)).toEqual([false]);
    expect(result.prompts[0]!.gram).toHaveLength(2 + 1 + 2);
    encode.mockRestore();
  });
});

test('calibration tries leaps at each quality, and moves what was asked for to what they came to', async () => {
  const options: CalibrationOptions = {
    ...{ prompts: ['waves', 'clouds'], seed: 1, numSteps: [12] },
    ...{ precisions: ['fp32'], qualities: [15, 70, 900], budgets: [], trials: 0 },
  };
  const { result } = await all(calibrate(pipeline, runtime, options, nothing));
  expect(result).toHaveLength(3);
  for (const [i, { outer, estimates }] of result.entries()) {
    if (!('leaps' in outer)) throw new Error('these are no leaps');
    const { quality, averages } = outer.leaps;
    expect(averages.levels).toHaveLength(12);
    expect(averages.surprise).not.toEqual(averages.levels.map(() => 1));
    const moved = quality - options.qualities[i]!;
    expect(averages.decibels - builtinAverages.decibels).toBeCloseTo(moved, 6);
    // Where nothing is leapt over, nothing is estimated, and nothing is moved.
    if (estimates) expect(estimates.bias).toBe(0);
    else expect(moved).toBe(0);
    expect(quality).toBe(Number(quality.toFixed(2)));
  }
  expect(result[0]!.estimates).toBeDefined();
  expect(result[0]!.computed).toBeLessThan(result[1]!.computed);
});

test('calibration tries each budget that is less than all steps, and says what came of it', async () => {
  const options: CalibrationOptions = {
    ...{ prompts: ['waves'], seed: 1, numSteps: [6] },
    ...{ precisions: ['fp32'], qualities: [], budgets: [2, 4, 6], trials: 3 },
  };
  const { events, result } = await all(calibrate(pipeline, runtime, options, nothing));
  const of = <Type extends CalibrationEvent['type']>(type: Type) =>
    events.filter((event): event is Extract<CalibrationEvent, { type: Type }> => event.type === type);
  expect(of('reference').map(({ prompt }) => prompt)).toEqual(['waves']);
  expect(of('candidate').map(({ candidate }) => candidate)).toEqual(result);
  const plain = result.filter(({ pruning }) => pruning === 0);
  expect(plain.map(({ precision, numSteps, computed }) => [precision, numSteps, computed])).toEqual([
    ['fp32', 6, 2],
    ['fp32', 6, 4],
  ]);
  expect(plain.map(({ leftOut }) => leftOut)).toEqual([0, 0]);
  for (const { pruning } of result) expect([0, 0.03]).toContain(pruning);
  expect(plain[1]!.psnr).toBeGreaterThan(plain[0]!.psnr);
  // What pruned nothing is the same as without, and is not told.
  expect(result.filter(({ pruning }) => pruning > 0).every(({ leftOut }) => leftOut > 0)).toBe(true);
  expect(of('search').every(({ budget, tried, trials }) => [2, 4].includes(budget) && tried <= trials)).toBe(true);
  expect(result.every(({ speedup, predictedSpeedup }) => speedup > 0 && predictedSpeedup > 0)).toBe(true);
});
