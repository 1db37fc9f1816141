/**
 * Schedules: which steps to compute under a budget, found ahead of the run from a table of errors, and the policy that
 * follows them. Of the family of CEM (arXiv 2512.23258), LeMiCa (2511.00090) and GCache, which report that the choice of
 * steps matters more than what is cached.
 *
 *     E(s, g)   error of answering step s + g with what step s computed, g >= 1, measured once
 *     C(s, n)   cost of computing s and then s + n: E(s, 1) + ... + E(s, n - 1)
 *     best(j, s) = min over n of C(s, n) + best(j - 1, s + n)         j computes left, one of them at s
 *
 * `sum` minimises the total (CEM); `worst` first minimises the largest single C, then the total among such schedules
 * (LeMiCa compares all segments in order of size). Dynamic programming finds the optimum exactly in steps^2 x budget.
 */
import * as z from 'zod';
import { QuantCacheError } from '../errors.ts';
import type { Policy } from '../policy.ts';
import { readOptions } from './options.ts';
import { plannedRun } from './planned.ts';

/** `errors[s][g - 1]` is E(s, g); rows may be shorter than the run, further gaps are then not allowed. */
export type ErrorTable = readonly (readonly number[])[];

/** What a schedule has to fulfil. */
export interface ScheduleRequest {
  readonly errors: ErrorTable;
  /** Number of steps to compute, between 1 and the number of steps. */
  readonly budget: number;
  /** What to minimise. Default `sum`. */
  readonly objective?: 'sum' | 'worst';
  /** Steps that have to be computed, beside the first. */
  readonly required?: readonly number[];
}

/** The best set of steps to compute, in order. Throws `invalid_option` where no schedule fulfils the request. */
export function bestSchedule(request: ScheduleRequest): number[] {
  const costs = segmentCosts(request);
  const worst =
    request.objective === 'worst' ? (solve(costs, request.budget, Math.max)?.cost ?? 0) : Number.POSITIVE_INFINITY;
  const allowed = costs.map((row) => row.map((cost) => (cost <= worst ? cost : Number.POSITIVE_INFINITY)));
  const solution = solve(allowed, request.budget, (a, b) => a + b);
  if (!solution) {
    const message = `No schedule computes ${request.budget} of ${costs.length} steps with the steps required and the gaps measured.`;
    throw new QuantCacheError('invalid_option', message);
  }
  return solution.steps;
}

/** `costs[s][n]` is C(s, n), infinite where a required step would be passed over or an error is not known. */
function segmentCosts({ errors, required = [] }: ScheduleRequest): number[][] {
  return errors.map((row, start) => {
    const costs = [Number.POSITIVE_INFINITY, 0];
    for (let length = 2; start + length <= errors.length; length++) {
      const passed = start + length - 1;
      const error = required.includes(passed) ? Number.NaN : (row[length - 2] ?? Number.NaN);
      costs[length] = Number.isNaN(error) ? Number.POSITIVE_INFINITY : costs[length - 1]! + error;
    }
    return costs;
  });
}

/** The cheapest way from step 0 past the last one in `budget` segments, `join` putting costs together. */
function solve(costs: readonly number[][], budget: number, join: (a: number, b: number) => number) {
  const numSteps = costs.length;
  let best = Array.from({ length: numSteps + 1 }, (_, step) => (step === numSteps ? 0 : Number.POSITIVE_INFINITY));
  const choices: number[][] = [];
  for (let left = 1; left <= budget; left++) {
    const choice: number[] = [];
    best = best.map((_, step) => {
      let lowest = Number.POSITIVE_INFINITY;
      for (let length = 1; step + length <= numSteps; length++) {
        const cost = join(costs[step]![length]!, best[step + length]!);
        if (cost < lowest) {
          lowest = cost;
          choice[step] = length;
        }
      }
      return lowest;
    });
    choices.push(choice);
  }
  if (!Number.isFinite(best[0]!)) return undefined;
  const steps: number[] = [];
  for (let step = 0; choices.length > 0; step += choices.pop()![step]!) steps.push(step);
  return { cost: best[0]!, steps };
}

/** Options of `schedule`. */
export const scheduleOptions = z.strictObject({
  steps: z
    .array(z.int().nonnegative())
    .default([])
    .describe('The steps to compute, counted from 0; empty to take them from errors and budget.'),
  errors: z
    .array(z.array(z.number()))
    .default([])
    .describe('Measured errors: row s, column g - 1 is that of answering step s + g with step s.'),
  budget: z.int().positive().default(10).describe('Number of steps to compute where errors are given.'),
  objective: z
    .enum(['sum', 'worst'])
    .default('sum')
    .describe('Minimise the sum of all errors, or first the largest of one gap.'),
  order: z
    .int()
    .min(0)
    .max(2)
    .default(0)
    .describe('0 holds the last residual between computed steps, 1 and 2 extrapolate.'),
});

/** Whole-step reuse at an explicit or an optimal set of steps; computes everything where neither is given. */
export function schedule(options?: z.input<typeof scheduleOptions>): Policy {
  const { steps, errors, budget, objective, order } = readOptions('schedule', scheduleOptions, options);
  return {
    name: 'schedule',
    begin(context) {
      const { numSteps, warn } = context;
      if (steps.length === 0 && errors.length > 0 && errors.length !== numSteps) {
        const message = `The errors of policy "schedule" were measured for ${errors.length} steps, this run has ${numSteps}.`;
        throw new QuantCacheError('invalid_option', message);
      }
      const planned = steps.length > 0 || errors.length === 0 ? steps : bestSchedule({ errors, budget, objective });
      if (planned.length === 0)
        warn('Policy "schedule" computes everything: it has neither steps nor errors. Give one of these options.');
      const computed = new Set(planned);
      const computes = (step: number) => computed.size === 0 || computed.has(step);
      return plannedRun(context, { level: 'step', covers: (node) => node.level === 'step', computes, order });
    },
  };
}
