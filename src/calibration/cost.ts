/**
 * What runs cost, from the traces of runs that were made: milliseconds per computed step and precision, per step for all
 * else, and per clip outside of the loop. It predicts the time of any plan, also of one that has not been run. Of modules
 * nothing is said: where a step is one graph, theirs cannot be told.
 */
import { median } from '../metrics/median.ts';
import type { Precision } from '../model.ts';
import type { Trace } from '../trace.ts';

/** One clip that was made. */
export interface TimedRun {
  readonly trace: Pick<Trace, 'decisions'>;
  readonly numSteps: number;
  /** Milliseconds of the loop, and of everything. */
  readonly denoise: number;
  readonly total: number;
}

export interface CostModel {
  /** Medians of computed steps, by the one precision that all their modules had. */
  readonly computed: ReadonlyMap<Precision, number>;
  /** Per step, outside of the tree. */
  readonly step: number;
  /** Per clip, outside of the loop. */
  readonly clip: number;
}

/** Milliseconds predicted of the loop and of the whole clip. */
export interface PredictedTime {
  readonly denoise: number;
  readonly total: number;
}

/** The costs seen in some runs. */
export function costsOf(runs: readonly TimedRun[]): CostModel {
  const times = new Map<Precision, number[]>();
  const outside: number[] = [];
  for (const { trace, numSteps, denoise } of runs) {
    const precisions = precisionsOf(trace.decisions);
    let inSteps = 0;
    for (const { level, did, step, milliseconds = 0 } of trace.decisions) {
      if (level !== 'step' || did !== 'compute') continue;
      inSteps += milliseconds;
      const precision = precisions.get(step);
      if (precision) times.set(precision, [...(times.get(precision) ?? []), milliseconds]);
    }
    outside.push((denoise - inSteps) / numSteps);
  }
  return {
    computed: new Map([...times].map(([precision, values]) => [precision, median(values)])),
    step: median(outside),
    clip: median(runs.map(({ total, denoise }) => total - denoise)),
  };
}

/** The precision of each step whose modules were computed in a single one. */
function precisionsOf(decisions: Trace['decisions']): ReadonlyMap<number, Precision> {
  const seen = new Map<number, Set<Precision>>();
  for (const { level, did, step, precision } of decisions)
    if (level === 'module' && did === 'compute') seen.set(step, (seen.get(step) ?? new Set()).add(precision));
  return new Map([...seen].flatMap(([step, [only, ...others]]) => (others.length > 0 ? [] : [[step, only!]])));
}

/** The time of a run that computes all modules, each in this precision, at so many of its steps. */
export function predictTime(
  costs: CostModel,
  { numSteps, computed, precision }: { numSteps: number; computed: number; precision: Precision },
): PredictedTime {
  const denoise = computed * (costs.computed.get(precision) ?? 0) + numSteps * costs.step;
  return { denoise, total: denoise + costs.clip };
}
