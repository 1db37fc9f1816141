/**
 * Fixed caching of whole steps: every n-th step is computed, or those of a mask, and the others repeat the last computed
 * step's residual. The baseline that every adaptive method has to beat; the mask is the notation of cache-dit's "steps
 * computation mask" (SCM), whose 28-step masks are slow 8-1-3-2-3-2-2-2-1-3-1, fast 6-1-1-3-1-4-1-5-1-4-1 and ultra
 * 4-2-1-5-1-6-1-7-1.
 */
import * as z from 'zod';
import type { Policy } from '../policy.ts';
import { readOptions } from './options.ts';
import { plannedRun } from './planned.ts';

/** As many as a schedule of any model has. */
const mostSteps = 1000;

/** Options of `static`. */
export const staticOptions = z.strictObject({
  every: z
    .int()
    .positive()
    .default(2)
    .describe('Compute one step in this many, the first of each group. 1 computes all.'),
  mask: z
    .string()
    .regex(/^(\d+(-\d+)*)?$/, 'write run lengths such as 8-1-3-2, computed and reused in turn')
    .refine((mask) => stepsOf(mask) <= mostSteps, `the run lengths are more than ${mostSteps} steps together`)
    .default('')
    .describe(
      'Run lengths of computed and reused steps in turn, such as 8-1-3-2, stretched to the number of steps. Outweighs "every".',
    ),
});

/** Whole-step reuse at fixed steps. */
export function staticPolicy(options?: z.input<typeof staticOptions>): Policy {
  const { every, mask } = readOptions('static', staticOptions, options);
  return {
    name: 'static',
    begin(context) {
      const flags = maskFlags(mask);
      const computes = (step: number) =>
        flags.length > 0 ? flags[Math.floor((step * flags.length) / context.numSteps)]! : step % every === 0;
      return plannedRun(context, { level: 'step', covers: (node) => node.level === 'step', computes, order: 0 });
    },
  };
}

const runsOf = (mask: string): number[] => (mask === '' ? [] : mask.split('-').map(Number));

/** Steps of a mask's own length. */
const stepsOf = (mask: string): number => runsOf(mask).reduce((sum, length) => sum + length, 0);

/** One flag per step of the mask's own length: true where computed. */
function maskFlags(mask: string): boolean[] {
  return runsOf(mask).flatMap((length, i) => Array<boolean>(length).fill(i % 2 === 0));
}
