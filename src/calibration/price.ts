/** What a calibration will compute, counted before it begins, in steps of full computation: the most that it can take. */
import { type CalibrationOptions, pruningThresholds, searchPrompts } from './calibrate.ts';
import type { MeasuringOptions } from './measure.ts';
import { isSameClip, type Measurements } from './measurements.ts';
import { missingRuns } from './quick.ts';

export interface Price {
  /** Full runs that are recorded, and full clips that others are compared with. */
  readonly fullRuns: number;
  /** Clips that are tried out; each takes at most as long as a full run. */
  readonly clips: number;
  /** Computed steps of all, where every clip that is tried out computes as many as it may. */
  readonly steps: number;
}

/** Of `calibrate`. */
export function priceOf(options: CalibrationOptions, { prompts: recorded }: Measurements): Price {
  const { prompts, seed, precisions, qualities, trials } = options;
  const prices = options.numSteps.map((numSteps): Price => {
    const isRecorded = (prompt: string, i: number) =>
      recorded.some((one) => isSameClip(one, { prompt, seed: seed + i, numSteps }));
    const missing = prompts.filter((prompt, i) => !isRecorded(prompt, i)).length;
    const budgets = options.budgets.filter((budget) => budget < numSteps);
    const following = qualities.length > 0 ? qualities.length + 1 : 0; // one more shows how much surprises them
    const tried = (following + budgets.length * pruningThresholds.length) * prompts.length;
    const clips = precisions.length * (tried + (tried > 0 ? 1 : 0)); // one more compiles
    const fullRuns = missing + prompts.length + 1;
    const searched = trials * Math.min(searchPrompts, prompts.length) + precisions.length * prompts.length;
    const inSearches = budgets.reduce((steps, budget) => steps + budget * searched, 0);
    return { fullRuns, clips, steps: (fullRuns + clips) * numSteps + inSearches };
  });
  return prices.reduce((sum, one) => ({
    fullRuns: sum.fullRuns + one.fullRuns,
    clips: sum.clips + one.clips,
    steps: sum.steps + one.steps,
  }));
}

/** Of `calibrateQuickly`. */
export function quickPriceOf(options: MeasuringOptions, earlier: Measurements): Price {
  const fullRuns = missingRuns(options, earlier).length;
  return { fullRuns, clips: 0, steps: fullRuns * options.numSteps[0]! };
}
