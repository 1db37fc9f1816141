/** Calibration from recorded runs alone, and runs that are recorded while they make clips. On a made-up model of a few numbers. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mixer } from '../../test/family/index.ts';
import { finish, generate } from '../generate.ts';
import type { Pipeline } from '../pipeline.ts';
import { full } from '../policies/full.ts';
import { parseProfile } from '../policies/quantcache/profile.ts';
import { createRuntime } from '../runtime/node.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { createRunState } from '../state.ts';
import { averagesOf } from './averages.ts';
import { type MeasuringEvent, type MeasuringOptions, measure, withRun } from './measure.ts';
import { noMeasurements } from './measurements.ts';
import { priceOf, quickPriceOf } from './price.ts';
import { calibrateQuickly, missingRuns, quickProfile } from './quick.ts';
import { createRecorder } from './record.ts';

let runtime: Runtime;
let pipeline: Pipeline;
beforeAll(async () => {
  runtime = await createRuntime({ threads: 1 });
  pipeline = await mixer.open(runtime, 'mixer', '', {});
});
afterAll(() => runtime[Symbol.asyncDispose]());

const nothing = noMeasurements({ model: { name: 'mixer', hash: 'mixer' }, guidanceScale: 3, geometry: {} });
const options: MeasuringOptions = { prompts: ['waves', 'clouds'], seed: 5, numSteps: [3] };
const clip = { prompt: 'waves', seed: 5, numSteps: 3 };

describe('a run that is recorded while it makes a clip', () => {
  const run = (policy = full(), state = createRunState()) =>
    generate(pipeline, runtime, { prompts: [clip.prompt], seed: clip.seed, numSteps: 3, policy, state });

  test('makes the same clip, and records what measuring does', async () => {
    const { policy, finish: record } = createRecorder(runtime);
    const recorded = await finish(run(policy));
    expect(recorded.latents).toEqual((await finish(run())).latents);
    const measured = await finish(measure(pipeline, runtime, { ...options, prompts: ['waves'] }, nothing));
    expect(withRun(nothing, clip, record(recorded.latents)!)).toEqual(measured);
  });

  test('is recorded whole where it was stopped and gone on with', async () => {
    const first = createRecorder(runtime);
    const state = createRunState();
    const stopped = run(first.policy, state);
    let saved: Awaited<ReturnType<typeof state.save>> | undefined;
    for await (const event of stopped)
      if (event.type === 'step' && event.step === 1) {
        saved = structuredClone(await state.save(runtime));
        break;
      }
    const second = createRecorder(runtime);
    const { latents } = await finish(run(second.policy, createRunState({ saved: saved!, runtime })));
    const measured = await finish(measure(pipeline, runtime, { ...options, prompts: ['waves'] }, nothing));
    expect(withRun(nothing, clip, second.finish(latents)!)).toEqual(measured);
    expect(createRecorder(runtime).finish(latents)).toBeUndefined();
    expect(first.finish(latents)).toBeUndefined();
  });
});

describe('a quick calibration', () => {
  test('records what is missing, counts what is there whatever it shows, and tries nothing', async () => {
    const other = await finish(measure(pipeline, runtime, { ...options, prompts: ['rain'] }, nothing));
    expect(missingRuns(options, nothing)).toEqual([0, 1]);
    expect(missingRuns(options, other)).toEqual([0]);
    expect(quickPriceOf(options, other)).toEqual({ fullRuns: 1, clips: 0, steps: 3 });
    const events: MeasuringEvent[] = [];
    const calibration = await finish(calibrateQuickly(pipeline, runtime, options, other), (event) => {
      events.push(event);
    });
    expect(events.map(({ type }) => type)).toEqual(['step', 'step', 'step', 'prompt']);
    expect(calibration.recorded).toEqual([
      { prompt: 'rain', seed: 5 },
      { prompt: 'waves', seed: 5 },
    ]);
    const all = await finish(measure(pipeline, runtime, { ...options, prompts: ['waves'] }, other));
    const { timesteps } = pipeline.network.schedule(pipeline.geometry({}), 3);
    expect(calibration.averages).toEqual(averagesOf(all.prompts, Array.from(timesteps)));
    expect(missingRuns(options, all)).toEqual([]);
  });

  test('takes one number of steps', async () => {
    const two = { ...options, numSteps: [3, 4] };
    await expect(finish(calibrateQuickly(pipeline, runtime, two, nothing))).rejects.toThrow(/one number of steps/);
  });

  test('writes a profile that can be read', async () => {
    const calibration = await finish(calibrateQuickly(pipeline, runtime, options, nothing));
    const profile = quickProfile(calibration, {
      name: 'quick',
      model: { name: 'mixer', hash: 'mixer' },
      fitted: {
        ...{ height: 8, width: 8, frames: 1, fps: 8, guidanceScale: 3, sampler: 'euler' },
        conditioning: 'text',
        steps: [3],
      },
      quality: 33,
      numSteps: 3,
      precision: 'w8a8',
    });
    const { options: parsed } = parseProfile(JSON.stringify(profile), 'quick.json');
    expect(parsed.hlc).toMatchObject({ leaps: { quality: 33, averages: calibration.averages } });
    expect(parsed.aigq).toMatchObject({ ladder: [['w8a8', 0]] });
  });
});

test('the price of a search counts recorded runs, references, trials and searches', async () => {
  const recorded = await finish(measure(pipeline, runtime, { ...options, prompts: ['waves'] }, nothing));
  const search = { ...options, precisions: ['fp32', 'w8a8'], qualities: [30, 33], budgets: [], trials: 4 } as const;
  // One run to record, three references; per precision (1 + 2) qualities x 2 prompts and one that compiles.
  expect(priceOf(search, recorded)).toEqual({ fullRuns: 4, clips: 14, steps: 54 });
  // Per precision (1 + 2 + 2) x 2 + 1 clips; a search of 4 sets x 2 runs x 2 steps, and a fit of 2 runs x 2 steps per precision.
  expect(priceOf({ ...search, budgets: [2, 3] }, recorded)).toEqual({ fullRuns: 4, clips: 22, steps: 78 + 16 + 8 });
});
