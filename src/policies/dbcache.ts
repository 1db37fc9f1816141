/**
 * Dual Block Cache (DBCache, cache-dit, https://github.com/vipshop/cache-dit): the first blocks always run and tell how
 * much has changed, the last blocks always run and repair, and the blocks between are reused as one residual.
 *
 *     d = |f - f'|_1 / |f'|_1       f = residual of the first blocks now, f' = at the last computed step
 *     reuse the middle while d < threshold, within the limits on warm-up and on reused steps in all and in a row
 *
 * Defaults of the original: 8 first blocks, no last ones (F8B0), threshold 0.08, 8 steps of warm-up, no further limits.
 * Simplified: no separate decision per guidance half (both are one batch here), no limit on accumulated difference.
 */
import * as z from 'zod';
import { type Policy, type Run, type RunContext, reuse } from '../policy.ts';
import { tellIfAlwaysComputed } from './idle.ts';
import { readOptions } from './options.ts';

/** Options of `dbcache`. */
export const dbcacheOptions = z.strictObject({
  threshold: z
    .number()
    .nonnegative()
    .default(0.08)
    .describe('Relative change of the first blocks below which the middle is reused; 0 computes all.'),
  front: z.int().positive().default(8).describe('Blocks at the beginning that always run; at most half of all.'),
  back: z.int().nonnegative().default(0).describe('Blocks at the end that always run; at most a quarter of all.'),
  warmup: z.int().nonnegative().default(8).describe('Steps at the beginning that are always computed.'),
  maxReused: z.int().nonnegative().default(1000).describe('Reused steps in the whole run.'),
  maxInARow: z.int().nonnegative().default(1000).describe('Reused steps before one has to be computed.'),
});

type Options = z.output<typeof dbcacheOptions>;

/** Reuse of the middle blocks while the first ones change little. */
export function dbcache(given?: z.input<typeof dbcacheOptions>): Policy {
  const options = readOptions('dbcache', dbcacheOptions, given);
  return {
    name: 'dbcache',
    cuts(numBlocks) {
      const front = Math.min(options.front, Math.floor(numBlocks / 2));
      const back = Math.min(options.back, Math.floor(numBlocks / 4));
      return [front, numBlocks - back];
    },
    begin: (context) => begin(options, context),
  };
}

function begin(options: Options, context: RunContext): Run {
  const { arithmetic, measure, state } = context;
  tellIfAlwaysComputed(context, 'dbcache', { option: 'warmup', first: options.warmup });
  const kept = state.tensors('residuals');
  const [front, middle] = ['segment.0', 'segment.1'];
  const counts = state.data('counts', { reused: 0, inARow: 0 });
  /** Of this step. */
  let unchanged = false;
  return {
    finest: 'segment',
    decide({ node, step }) {
      if (node.path !== middle) return undefined;
      const residual = kept.get(middle);
      const allowed = step >= options.warmup && counts.reused < options.maxReused && counts.inARow < options.maxInARow;
      if (residual && unchanged && allowed) {
        counts.reused++;
        counts.inARow++;
        return reuse(residual);
      }
      counts.inARow = 0;
      const now = kept.get('front now');
      if (now) kept.keep(front, now);
      return undefined;
    },
    wants: ({ path }) => path === front || path === middle,
    async observe({ node, step }, residual) {
      if (node.path === middle) return kept.keep(middle, residual);
      kept.keep('front now', residual);
      unchanged = false;
      const before = kept.get(front);
      if (!before) return;
      const change = await arithmetic.relativeL1(residual, before);
      unchanged = change < options.threshold;
      measure({ step, path: front, values: { change } });
    },
    heldBytes: kept.bytes,
    dispose: kept.dispose,
  };
}
