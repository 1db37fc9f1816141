/**
 * What runs cost, from the traces of runs that were made: milliseconds per module and precision, per step for all else, and
 * per clip outside of the loop. It predicts the time of any plan, also of one that has not been run.
 */
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
  /** Medians, by module and precision: `path precision`. */
  readonly modules: ReadonlyMap<string, number>;
  /** Per step, outside of modules. */
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
  const times = new Map<string, number[]>();
  const outside: number[] = [];
  for (const { trace, numSteps, denoise } of runs) {
    let inModules = 0;
    for (const { level, did, path, precision, milliseconds } of trace.decisions) {
      if (level !== 'module' || did !== 'compute') continue;
      inModules += milliseconds;
      const key = `${path} ${precision}`;
      times.set(key, [...(times.get(key) ?? []), milliseconds]);
    }
    outside.push((denoise - inModules) / numSteps);
  }
  return {
    modules: new Map([...times].map(([key, values]) => [key, median(values)])),
    step: median(outside),
    clip: median(runs.map(({ total, denoise }) => total - denoise)),
  };
}

/** The time of a run that computes all modules, each in this precision, at so many of its steps. */
export function predictTime(
  costs: CostModel,
  { numSteps, computed, precision }: { numSteps: number; computed: number; precision: Precision },
): PredictedTime {
  const modules = [...costs.modules].filter(([key]) => key.endsWith(` ${precision}`));
  const perStep = modules.reduce((sum, [, milliseconds]) => sum + milliseconds, 0);
  const denoise = computed * perStep + numSteps * costs.step;
  return { denoise, total: denoise + costs.clip };
}

/** The middle of a list; the mean of the two in the middle of an even one. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle) - 1]!) / 2;
}
