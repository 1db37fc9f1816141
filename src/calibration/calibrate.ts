/**
 * Calibration of `quantcache` on a model: records full runs of a few prompts (`record.ts`) and tries out, at every precision
 * in question, leaps that follow the clip, made from averages of those runs (`averages.ts`), at some qualities; and, where
 * budgets are given, plans: the best one of so many computed steps (`plan.ts`), fitted to what it does (`fit.ts`), with and
 * without pruning. For each target the candidate is picked that serves it best. An async generator: progress and stopping
 * belong to the caller.
 *
 * What is picked was run, and its quality is that of the clips it made against full fp32 computation on the same seed.
 */
import { unpackNumbers } from '../files/numbers.ts';
import type { Precision } from '../model.ts';
import { checkOptionNames, type OptionNames } from '../options.ts';
import type { Pipeline } from '../pipeline.ts';
import type { Averages } from '../policies/quantcache/leaping/averages.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { averagesOf, withSurprise } from './averages.ts';
import {
  type Candidate,
  type LeapsOptions,
  type MadeClip,
  makeClip,
  type OuterLevel,
  type Tried,
  tryOut,
} from './candidate.ts';
import { costsOf, type TimedRun } from './cost.ts';
import { fitLeaps, type Lesson, searchSteps } from './fit.ts';
import { type MeasuringEvent, type MeasuringOptions, measure, measuringNames, openPrompt } from './measure.ts';
import type { Measurements, PromptMeasurement } from './measurements.ts';
import { bestSteps } from './plan.ts';

export interface CalibrationOptions extends MeasuringOptions {
  /** Precisions to try. */
  readonly precisions: readonly Precision[];
  /** Qualities to try leaps at that follow the clip, in decibels. */
  readonly qualities: readonly number[];
  /** Budgets to try plans of, as numbers of computed steps. */
  readonly budgets: readonly number[];
  /** The most sets of computed steps to try for each budget. */
  readonly trials: number;
}

const optionNames: OptionNames<CalibrationOptions> = {
  ...measuringNames,
  precisions: true,
  qualities: true,
  budgets: true,
  trials: true,
};

export type CalibrationEvent =
  | MeasuringEvent
  | { readonly type: 'reference'; readonly prompt: string; readonly numSteps: number; readonly milliseconds: number }
  | { readonly type: 'search'; readonly budget: number; readonly tried: number; readonly trials: number }
  | { readonly type: 'candidate'; readonly candidate: Candidate };

const measuringOf = ({
  precisions: _,
  qualities: __,
  budgets: ___,
  trials: ____,
  ...options
}: CalibrationOptions): MeasuringOptions => options;

/** Thresholds of pruning that are tried. */
export const pruningThresholds = [0, 0.03];

/** Measures and tries everything; `earlier` is not measured again. Throws what `generate` throws. */
export async function* calibrate(
  pipeline: Pipeline,
  runtime: Runtime,
  options: CalibrationOptions,
  earlier: Measurements,
): AsyncGenerator<CalibrationEvent, Candidate[]> {
  checkOptionNames(options, optionNames, 'calibrate()');
  const measurements = yield* measure(pipeline, runtime, measuringOf(options), earlier);
  const candidates: Candidate[] = [];
  for (const numSteps of options.numSteps) {
    const references: MadeClip[] = [];
    const runs: TimedRun[] = [];
    await makeClip(pipeline, runtime, options, { prompt: 0, numSteps }); // compiles, and does not count
    for (const [prompt, text] of options.prompts.entries()) {
      const reference = await makeClip(pipeline, runtime, options, { prompt, numSteps });
      references.push(reference);
      yield { type: 'reference', prompt: text, numSteps, milliseconds: reference.total };
    }
    const recorded = measurements.prompts.filter((one) => one.numSteps === numSteps);
    const planning = plannerOf(pipeline, runtime, options, { recorded, numSteps });
    const timesteps = Array.from(pipeline.network.schedule(pipeline.geometry(options), numSteps).timesteps);
    for (const precision of options.precisions) {
      const trial = async (outer: OuterLevel, pruning: number) => {
        const setting = { numSteps, precision, pruning, outer };
        const costs = runs.length > 0 ? costsOf(runs) : undefined;
        return tryOut(pipeline, runtime, options, { setting, references, costs, runs });
      };
      if (options.qualities.length > 0) {
        const averages = await surprised(averagesOf(recorded, timesteps), options.qualities, (leaps) =>
          trial({ leaps }, 0),
        );
        for (const quality of options.qualities) {
          const candidate = unbiased((await trial({ leaps: { quality, averages } }, 0)).candidate);
          candidates.push(candidate);
          yield { type: 'candidate', candidate };
        }
      }
      for (const budget of options.budgets.filter((count) => count < numSteps)) {
        const planned = yield* planning(precision, budget);
        for (const pruning of pruningThresholds) {
          const { candidate } = await trial(planned, pruning);
          if (pruning > 0 && candidate.leftOut === 0) continue; // the same as without, but for noise in its time
          candidates.push(candidate);
          yield { type: 'candidate', candidate };
        }
      }
    }
  }
  return candidates;
}

/** The averages with the surprise that leaps by them meet, at the middle one of the qualities to try. */
async function surprised(
  averages: Averages,
  qualities: readonly number[],
  trial: (leaps: LeapsOptions) => Promise<Tried>,
): Promise<Averages> {
  const quality = [...qualities].sort((a, b) => a - b)[Math.floor(qualities.length / 2)]!;
  const { clips } = await trial({ quality, averages });
  return withSurprise(
    averages,
    clips.map(({ trace }) => trace.measurements),
  );
}

/** The same decisions under the quality that they came to, so that asked for, estimated and reached agree on average. */
function unbiased(candidate: Candidate): Candidate {
  const { outer, estimates } = candidate;
  if (!('leaps' in outer) || !estimates) return candidate;
  const { quality, averages } = outer.leaps;
  const moved = (decibels: number) => Number((decibels + estimates.bias).toFixed(2));
  const leaps = { quality: moved(quality), averages: { ...averages, decibels: moved(averages.decibels) } };
  return { ...candidate, outer: { leaps }, estimates: { ...estimates, bias: 0 } };
}

/** Prompts that computed steps are searched with; the weights are fitted with all. */
export const searchPrompts = 5;

/**
 * Makes the best plan of a precision and a budget: even steps or those that the recorded runs suggest, moved where that helps,
 * and leaps fitted to what they do. Which steps to compute hardly depends on the precision, so they are searched in the
 * first one only.
 */
function plannerOf(
  pipeline: Pipeline,
  runtime: Runtime,
  options: CalibrationOptions,
  { recorded, numSteps }: { readonly recorded: readonly PromptMeasurement[]; readonly numSteps: number },
) {
  const { trials } = options;
  const timesteps = Array.from(pipeline.network.schedule(pipeline.geometry(options), numSteps).timesteps);
  const guidanceScale = options.guidanceScale ?? pipeline.defaults.guidanceScale;
  const gram = recorded[0]!.gram.map((row, i) =>
    row.map((_, j) => recorded.reduce((sum, one) => sum + one.gram[i]![j]!, 0)),
  );
  const lessons = recorded.map(
    (one): Lesson => ({
      open: () => openPrompt(pipeline, runtime, measuringOf(options), one),
      latents: one.latents.map(unpackNumbers),
    }),
  );
  const found = new Map<number, readonly number[]>();
  return async function* planOf(precision: Precision, budget: number): AsyncGenerator<CalibrationEvent, OuterLevel> {
    const request = { timesteps, guidanceScale, precision };
    let computed = found.get(budget);
    if (!computed) {
      const even = Array.from({ length: budget }, (_, i) => Math.round((i * numSteps) / budget));
      const starts = [even, bestSteps({ gram, timesteps, guidanceScale, budget })] as const;
      const search = searchSteps(runtime, { ...request, lessons: lessons.slice(0, searchPrompts), starts, trials });
      let next = await search.next();
      for (; !next.done; next = await search.next()) yield { type: 'search', budget, tried: next.value, trials };
      computed = next.value;
      found.set(budget, computed);
    }
    const { plan } = await fitLeaps(runtime, { ...request, lessons, computed });
    return { plan };
  };
}
