/** Full runs of some prompts, recorded one after the other; what was recorded before is not recorded again. */
import { packNumbers } from '../files/numbers.ts';
import { openLoop, samplerNamed } from '../loop.ts';
import { checkOptionNames, type OptionNames } from '../options.ts';
import { type Pipeline, type SizeRequest, sizeNames } from '../pipeline.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { torchGenerator } from '../samplers/random.ts';
import { isSameClip, type MeasuredClip, type Measurements, type PromptMeasurement } from './measurements.ts';
import { type RecordedRun, recordRun } from './record.ts';

/** What to measure. */
export interface MeasuringOptions extends SizeRequest {
  readonly prompts: readonly string[];
  /** Seed of the first prompt; the others count up. */
  readonly seed: number;
  /** Numbers of steps to make plans for. */
  readonly numSteps: readonly number[];
  readonly guidanceScale?: number;
  readonly signal?: AbortSignal;
}

export const measuringNames: OptionNames<MeasuringOptions> = {
  prompts: true,
  seed: true,
  numSteps: true,
  guidanceScale: true,
  ...sizeNames,
  signal: true,
};

export type MeasuringEvent =
  | { readonly type: 'prompt'; readonly numSteps: number; readonly measurements: Measurements }
  | { readonly type: 'step'; readonly prompt: string; readonly step: number; readonly numSteps: number };

/** Records what `earlier` lacks. Throws what the loop throws. */
export async function* measure(
  pipeline: Pipeline,
  runtime: Runtime,
  options: MeasuringOptions,
  earlier: Measurements,
): AsyncGenerator<MeasuringEvent, Measurements> {
  checkOptionNames(options, measuringNames, 'measure()');
  let measurements = earlier;
  for (const numSteps of options.numSteps) {
    for (const [i, prompt] of options.prompts.entries()) {
      const seed = options.seed + i;
      const clip = { prompt, seed, numSteps };
      if (measurements.prompts.some((one) => isSameClip(one, clip))) continue;
      await using loop = await openPrompt(pipeline, runtime, options, clip);
      const run = recordRun(runtime, loop.options);
      let next = await run.next();
      for (; !next.done; next = await run.next()) yield { type: 'step', prompt, step: next.value, numSteps };
      measurements = withRun(measurements, clip, next.value);
      yield { type: 'prompt', numSteps, measurements };
    }
  }
  return measurements;
}

/** Measurements with one more recorded run, in the place of an earlier one of the same clip. */
export function withRun(
  measurements: Measurements,
  clip: MeasuredClip,
  { gram, latents, changes }: RecordedRun,
): Measurements {
  const measured: PromptMeasurement = {
    ...clip,
    gram: gram.map((row) => [...row]),
    latents: latents.map(packNumbers),
    changes: [...changes],
  };
  return { ...measurements, prompts: [...measurements.prompts.filter((one) => !isSameClip(one, clip)), measured] };
}

/** Everything that the loop of one prompt runs on. */
export async function openPrompt(
  pipeline: Pipeline,
  runtime: Runtime,
  options: MeasuringOptions,
  { prompt, seed, numSteps }: Pick<PromptMeasurement, 'prompt' | 'seed' | 'numSteps'>,
) {
  checkOptionNames(options, measuringNames, 'openPrompt()');
  const geometry = pipeline.geometry(options);
  const guidanceScale = options.guidanceScale ?? pipeline.defaults.guidanceScale;
  const { randn } = torchGenerator(seed);
  const { signal } = options;
  const texts = [pipeline.text.prepare(prompt).textFor(0)];
  const text = await pipeline.text.encode({ texts, guided: guidanceScale > 1 }, signal);
  const start = await pipeline.condition({ geometry, prompts: [prompt], randn, signal }).next();
  return openLoop(pipeline, runtime, {
    text,
    geometry,
    schedule: pipeline.network.schedule(geometry, numSteps),
    sampler: samplerNamed(pipeline),
    guidanceScale,
    randn,
    signal,
    ...start,
  });
}
