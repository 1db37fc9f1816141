/**
 * Calibration of `quantcache` on a model: records full runs of a few prompts (`record.ts`), makes the best plan of every
 * budget of computed steps from them (`plan.ts`), fits it to what it does at every precision in question (`fit.ts`), runs
 * each with and without pruning, and picks for each target the candidate that serves it best. An async generator: progress
 * and stopping belong to the caller.
 *
 * What is picked was run, and its quality is that of the clips it made against full fp32 computation on the same seed.
 */
import { unpackNumbers } from '../files/numbers.ts';
import type { Precision } from '../model.ts';
import { checkOptionNames, type OptionNames } from '../options.ts';
import type { Pipeline } from '../pipeline.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { type Candidate, type MadeClip, makeClip, tryOut } from './candidate.ts';
import { costsOf, type TimedRun } from './cost.ts';
import { type FittedPlan, fitLeaps, type Lesson, searchSteps } from './fit.ts';
import { type MeasuringEvent, type MeasuringOptions, measure, measuringNames, openPrompt } from './measure.ts';
import type { Measurements, PromptMeasurement } from './measurements.ts';
import { bestSteps } from './plan.ts';

export interface CalibrationOptions extends MeasuringOptions {
  /** Precisions to try. */
  readonly precisions: readonly Precision[];
  /** Budgets to try, as numbers of computed steps. */
  readonly budgets: readonly number[];
  /** The most sets of computed steps to try for each budget. */
  readonly trials: number;
}

const optionNames: OptionNames<CalibrationOptions> = {
  ...measuringNames,
  precisions: true,
  budgets: true,
  trials: true,
};

export type CalibrationEvent =
  | MeasuringEvent
  | { readonly type: 'reference'; readonly prompt: string; readonly milliseconds: number }
  | { readonly type: 'search'; readonly budget: number; readonly tried: number; readonly trials: number }
  | { readonly type: 'candidate'; readonly candidate: Candidate };

const measuringOf = ({ precisions: _, budgets: __, trials: ___, ...options }: CalibrationOptions): MeasuringOptions =>
  options;

/** Thresholds of pruning that are tried. */
const pruningThresholds = [0, 0.03];

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
      yield { type: 'reference', prompt: text, milliseconds: reference.total };
    }
    const recorded = measurements.prompts.filter((one) => one.numSteps === numSteps);
    const planning = plannerOf(pipeline, runtime, options, { recorded, numSteps });
    for (const precision of options.precisions) {
      for (const budget of options.budgets.filter((count) => count < numSteps)) {
        const planned = yield* planning(precision, budget);
        for (const pruning of pruningThresholds) {
          const setting = { numSteps, precision, pruning, planned };
          const costs = runs.length > 0 ? costsOf(runs) : undefined;
          const candidate = await tryOut(pipeline, runtime, options, { setting, references, costs, runs });
          if (pruning > 0 && candidate.leftOut === 0) continue; // the same as without, but for noise in its time
          candidates.push(candidate);
          yield { type: 'candidate', candidate };
        }
      }
    }
  }
  return candidates;
}

/** Prompts that computed steps are searched with; the weights are fitted with all. */
const searchPrompts = 5;

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
  return async function* planOf(precision: Precision, budget: number): AsyncGenerator<CalibrationEvent, FittedPlan> {
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
    return fitLeaps(runtime, { ...request, lessons, computed });
  };
}
