/**
 * Calibration without trying anything out: averages of one or two recorded full runs, from which leaps are made that follow the
 * clip at any quality. What they lose and save is the run's own estimate, and was not measured.
 */
import { QuantCacheError } from '../errors.ts';
import type { Precision } from '../model.ts';
import { checkOptionNames } from '../options.ts';
import type { Pipeline } from '../pipeline.ts';
import type { Averages } from '../policies/quantcache/leaping/averages.ts';
import type { WrittenProfile } from '../policies/quantcache/profile.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { averagesOf } from './averages.ts';
import { optionsOf } from './candidate.ts';
import { type MeasuringEvent, type MeasuringOptions, measure, measuringNames } from './measure.ts';
import type { Measurements, PromptMeasurement } from './measurements.ts';

/** What recorded runs tell of a model. */
export interface QuickCalibration {
  readonly averages: Averages;
  /** What was recorded. */
  readonly recorded: readonly Pick<PromptMeasurement, 'prompt' | 'seed'>[];
}

/** The clips of the prompts that are to be recorded, where `earlier` has fewer runs, of whichever clips, than there are prompts. */
export function missingRuns({ prompts, seed, numSteps: [numSteps] }: MeasuringOptions, earlier: Measurements) {
  const recorded = earlier.prompts.filter((one) => one.numSteps === numSteps);
  const isKnown = (prompt: string, i: number) => recorded.some((one) => one.prompt === prompt && one.seed === seed + i);
  const unknown = [...prompts.entries()].filter(([i, prompt]) => !isKnown(prompt, i));
  return unknown.slice(0, Math.max(0, prompts.length - recorded.length)).map(([i]) => i);
}

/**
 * Averages over the runs of one number of steps in `earlier`, and over as many more as it takes to have one for each prompt.
 * Throws what measuring throws.
 */
export async function* calibrateQuickly(
  pipeline: Pipeline,
  runtime: Runtime,
  options: MeasuringOptions,
  earlier: Measurements,
): AsyncGenerator<MeasuringEvent, QuickCalibration> {
  checkOptionNames(options, measuringNames, 'calibrateQuickly()');
  const [numSteps, ...others] = options.numSteps;
  if (numSteps === undefined || others.length > 0)
    throw new QuantCacheError('invalid_option', 'A quick calibration is made at one number of steps; give one.');
  let measurements = earlier;
  for (const i of missingRuns(options, earlier)) {
    const one = { ...options, prompts: [options.prompts[i]!], seed: options.seed + i };
    measurements = yield* measure(pipeline, runtime, one, measurements);
  }
  const recorded = measurements.prompts.filter((one) => one.numSteps === numSteps);
  const { timesteps } = pipeline.network.schedule(pipeline.geometry(options), numSteps);
  return {
    averages: averagesOf(recorded, Array.from(timesteps)),
    recorded: recorded.map(({ prompt, seed }) => ({ prompt, seed })),
  };
}

/** The profile of leaps that aim at a quality, in decibels. It holds no figures, as nothing was tried. */
export function quickProfile(
  { averages, recorded }: QuickCalibration,
  profile: Pick<WrittenProfile, 'name' | 'model' | 'fitted'> & {
    readonly quality: number;
    readonly numSteps: number;
    readonly precision: Precision;
  },
): WrittenProfile {
  const { quality, numSteps, precision, ...said } = profile;
  return {
    format: 'quantcache-profile',
    version: 3,
    ...said,
    options: optionsOf([{ numSteps, precision, pruning: 0, outer: { leaps: { quality, averages } } }]),
    measured: { target: { quality }, recorded },
  };
}
