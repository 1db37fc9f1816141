/**
 * First Block Cache (FBCache, ParaAttention, https://github.com/chengzeyi/ParaAttention): the first block always runs;
 * where its residual has changed little since the last computed step, all other blocks are reused as one residual.
 *
 *     d = |f - f'|_1 / |f'|_1 < threshold       f = residual of the first block now, f' = at the last computed step
 *
 * It is DBCache (`dbcache.ts`) with one first block, no last ones and no limits. Default threshold 0.05, as in diffusers;
 * the original's for HunyuanVideo is 0.06.
 */
import * as z from 'zod';
import type { Policy } from '../policy.ts';
import { dbcache } from './dbcache.ts';
import { readOptions } from './options.ts';

/** Options of `fbcache`. */
export const fbcacheOptions = z.strictObject({
  threshold: z
    .number()
    .nonnegative()
    .default(0.05)
    .describe('Relative change of the first block below which the others are reused; 0 computes all.'),
});

/** Reuse of all blocks but the first while that one changes little. */
export function fbcache(given?: z.input<typeof fbcacheOptions>): Policy {
  const { threshold } = readOptions('fbcache', fbcacheOptions, given);
  return { ...dbcache({ threshold, front: 1, back: 0, warmup: 0 }), name: 'fbcache' };
}
