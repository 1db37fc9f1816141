/**
 * TaylorSeer (Liu et al. 2025, arXiv 2503.06923): between computed steps, every N apart, features are not repeated but
 * predicted by a Taylor expansion whose derivatives are finite differences of the computed ones:
 *
 *     F(s + k) = sum over i = 0..m of D^i F(s) / (i! N^i) k^i        (see `history.ts` for unequal distances)
 *
 * Defaults of the original for text to video: N = 5, order m = 1, the first step computed. Written from the formula.
 *
 * The original predicts the output of every module. All of them share one schedule, the prediction is linear, and a
 * network of residuals adds them up: predicting the whole step's residual gives the same numbers from one history
 * instead of three per block, which is the default here. Simplified: residuals are predicted after the timestep's gate,
 * where the original predicts before it and gates anew.
 */
import * as z from 'zod';
import type { Policy } from '../policy.ts';
import { tellIfAlwaysComputed } from './idle.ts';
import { readOptions } from './options.ts';
import { plannedRun } from './planned.ts';

/** Options of `taylorseer`. */
export const taylorseerOptions = z.strictObject({
  interval: z.int().positive().default(5).describe('Compute one step in this many. 1 computes all.'),
  order: z
    .int()
    .min(0)
    .max(4)
    .default(1)
    .describe('Order of the expansion; each order keeps one more residual per node.'),
  warmup: z.int().positive().default(1).describe('Steps at the beginning that are always computed.'),
  level: z
    .enum(['step', 'block', 'module'])
    .default('step')
    .describe('What is predicted. The result is the same, the memory is not.'),
});

/** Prediction of residuals between computed steps. */
export function taylorseer(options?: z.input<typeof taylorseerOptions>): Policy {
  const { interval, order, warmup, level } = readOptions('taylorseer', taylorseerOptions, options);
  return {
    name: 'taylorseer',
    begin(context) {
      tellIfAlwaysComputed(context, 'taylorseer', { option: 'warmup', first: warmup });
      return plannedRun(context, {
        level,
        covers: (node) => node.level === level,
        computes: (step) => step < warmup || (step - warmup + 1) % interval === 0,
        order,
      });
    },
  };
}
