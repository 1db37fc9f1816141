/**
 * Pyramid Attention Broadcast (Zhao et al. 2024, arXiv 2408.12588), as coded in VideoSys for Open-Sora 1.2: the less a
 * kind of attention changes between steps, the longer it is reused. With step number c and timestep t
 *
 *     attention of a kind is reused if low < t < high and c mod range(kind) is not 0
 *     the feed-forwards of the first blocks are computed at key timesteps and reused for the steps right after
 *
 * Defaults of the original ("246"): window (450, 930), ranges spatial 2, temporal 4, cross 6; other published ranges are
 * 3/5/7 and 5/7/9. Feed-forwards of blocks 0 to 4, two steps after the timesteps 864, 788 and 676. The original compares
 * timesteps as whole numbers of bfloat16, so the keys occur at 480p with 51 frames and 30 steps and are missed, without a
 * word, at most other sizes. Simplified: attention is kept after the timestep's gate, where the original keeps it before.
 */
import * as z from 'zod';
import type { Node } from '../model.ts';
import type { Policy, Run, RunContext } from '../policy.ts';
import { numberToBfloat16 } from '../weights/half.ts';
import { readOptions } from './options.ts';
import { reusingRun } from './planned.ts';

/** Options of `pab`. */
export const pabOptions = z.strictObject({
  spatial: z
    .int()
    .positive()
    .default(2)
    .describe('Compute spatial attention, or attention over the whole clip, once in this many steps of the window.'),
  temporal: z.int().positive().default(4).describe('Compute temporal attention once in this many steps of the window.'),
  cross: z.int().positive().default(6).describe('Compute cross-attention once in this many steps of the window.'),
  window: z
    .tuple([z.number(), z.number()])
    .default([450, 930])
    .describe('Timesteps between which attention is reused.'),
  feedForwardKeys: z
    .array(z.int())
    .default([864, 788, 676])
    .describe('Timesteps whose feed-forwards are reused right after; [] for none.'),
  feedForwardSteps: z.int().positive().default(2).describe('For how many steps they are reused.'),
  feedForwardBlocks: z
    .array(z.int().nonnegative())
    .default([0, 1, 2, 3, 4])
    .describe('Numbers of the blocks whose feed-forwards are reused.'),
  rounding: z
    .enum(['bfloat16', 'none'])
    .default('bfloat16')
    .describe('Compare timesteps as whole numbers of bfloat16, as the original does, or as they are.'),
});

type Options = z.output<typeof pabOptions>;

/** What is reused at one step. */
export interface PabStep {
  readonly spatial: boolean;
  readonly temporal: boolean;
  readonly cross: boolean;
  /** In the blocks chosen. */
  readonly feedForward: boolean;
}

/** What is reused at each of the given timesteps. */
export function pabSchedule(given: z.input<typeof pabOptions>, timesteps: readonly number[]): PabStep[] {
  const options = readOptions('pab', pabOptions, given);
  const times = options.rounding === 'none' ? timesteps : timesteps.map((time) => Math.trunc(roundToBfloat16(time)));
  const [low, high] = options.window;
  let lastKey = Number.NEGATIVE_INFINITY;
  return times.map((time, step) => {
    const reused = (range: number) => low < time && time < high && step % range !== 0;
    if (options.feedForwardKeys.includes(time)) lastKey = step;
    return {
      spatial: reused(options.spatial),
      temporal: reused(options.temporal),
      cross: reused(options.cross),
      feedForward: step > lastKey && step <= lastKey + options.feedForwardSteps,
    };
  });
}

/** Reuse of attention by kind. */
export function pab(given?: z.input<typeof pabOptions>): Policy {
  const options = readOptions('pab', pabOptions, given);
  return { name: 'pab', begin: (context) => begin(options, context) };
}

function begin(options: Options, context: RunContext): Run {
  const schedule = pabSchedule(options, context.timesteps);
  const partOf = ({ role, kind, index }: Node): keyof PabStep | undefined => {
    if (role === 'self-attention') return kind === 'temporal-attention' ? 'temporal' : 'spatial';
    if (role === 'cross-attention') return 'cross';
    return role === 'feed-forward' && options.feedForwardBlocks.includes(index) ? 'feedForward' : undefined;
  };
  const reused = (node: Node, step: number): boolean => {
    const part = partOf(node);
    return part !== undefined && (schedule[step]?.[part] ?? false);
  };
  return reusingRun(context, reused);
}

/** The bfloat16 nearest to a number. */
function roundToBfloat16(value: number): number {
  const [rounded] = new Float32Array(Uint32Array.of(numberToBfloat16(value) << 16).buffer);
  return rounded!;
}
