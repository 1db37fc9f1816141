/**
 * QuantCache as published (Wu et al. 2025, arXiv 2503.06545), equations 5 to 11, as far as the paper says: HLC, the
 * activation bits of AIGQ, and SRAP. No code and no thresholds were released, so every bound is ours and an option, and
 * where the text contradicts itself both readings are.
 *
 * Left out: the offline choice of weight bits (equation 7), which the precisions themselves stand for.
 */
import * as z from 'zod';
import { type Policy, type Run, stack } from '../../../policy.ts';
import { readOptions } from '../../options.ts';
import { cachingFields, cachingRun, type Variation } from './caching.ts';
import { pruningFields, pruningRun } from './pruning.ts';

/** Options of `quantcache-paper`. */
export const paperOptions = z.strictObject({
  pruning: z.boolean().default(true).describe('Whether blocks are pruned (SRAP).'),
  ...cachingFields,
  ...pruningFields,
});

/** QuantCache as published. */
export function quantcachePaper(options?: z.input<typeof paperOptions>): Policy {
  const settings = readOptions('quantcache-paper', paperOptions, options);
  const name = 'quantcache-paper';
  return {
    name,
    begin(context) {
      const variation: Variation = context.state.data('variation', { value: Number.NaN });
      const caching = cachingRun(settings, context, variation);
      const runs = settings.pruning ? [pruningRun(settings, context, variation), caching] : [caching];
      return stack(name, ...runs.map((run: Run): Policy => ({ name, begin: () => run }))).begin(context);
    },
  };
}
