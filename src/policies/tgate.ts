/**
 * T-GATE (Zhang et al. 2024, arXiv 2404.02747): attention to the text settles early. Before the gate step the picture is
 * planned and self-attention is reused now and then; after it cross-attention is not computed any more.
 *
 *     s < gate - 1    self-attention computed up to step `warmup` and at multiples of `planning`; cross-attention always
 *     s = gate - 1    everything computed, and kept
 *     s > gate - 1    cross-attention reused; self-attention computed at multiples of `improving`
 *
 * Defaults of the original for 25 steps: gate 10, planning interval 5, improving interval 1, warm-up 2.
 *
 * Simplified: the original averages the cross-attention of the two guidance halves at the gate and runs without guidance
 * from there; here each half keeps its own and guidance goes on, so that half of the gain is missing. The sampler, not
 * the policy, decides on guidance. Attention is kept after the timestep's gate, where the original keeps it before.
 */
import * as z from 'zod';
import type { Node } from '../model.ts';
import type { Policy, Run, RunContext } from '../policy.ts';
import { readOptions } from './options.ts';
import { reusingRun } from './planned.ts';

/** Options of `tgate`. */
export const tgateOptions = z.strictObject({
  gate: z.int().positive().default(10).describe('The step, counted from 1, after which cross-attention is reused.'),
  planning: z
    .int()
    .positive()
    .default(5)
    .describe('Before the gate, compute self-attention once in this many steps; 1 computes all.'),
  improving: z
    .int()
    .positive()
    .default(1)
    .describe('After the gate, compute self-attention once in this many steps; 1 computes all.'),
  warmup: z
    .int()
    .nonnegative()
    .default(2)
    .describe('The last step, counted from 0, up to which everything is computed.'),
});

type Options = z.output<typeof tgateOptions>;

/** Reuse of attention before and after a gate. */
export function tgate(given?: z.input<typeof tgateOptions>): Policy {
  const options = readOptions('tgate', tgateOptions, given);
  return { name: 'tgate', begin: (context) => begin(options, context) };
}

function begin({ gate, planning, improving, warmup }: Options, context: RunContext): Run {
  const selfAttention = (step: number): boolean => {
    if (step < gate - 1) return step > warmup && step % planning !== 0;
    return step > gate - 1 && step % improving !== 0;
  };
  const reused = ({ role }: Node, step: number): boolean => {
    if (role === 'cross-attention') return step > gate - 1;
    return role === 'self-attention' && selfAttention(step);
  };
  return reusingRun(context, reused);
}
