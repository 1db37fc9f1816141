/**
 * QuantCache as we define it: pruning, caching and precision decided together over one memory. After Wu et al.
 * 2025, arXiv 2503.06545; the equations as published are in `paper/`.
 *
 * Where nobody says otherwise, it leaps as far as the clip allows (`leaping/`), which no model has to be calibrated for.
 *
 * Where steps are leapt over, nothing is pruned unless somebody asks for it: between the few that are computed, far apart, no
 * block changes little enough (measured: not one), and looking for one keeps a step from being one graph.
 *
 * Asked in this order: `srap` leaves out blocks, `hlc` reuses the stack or modules, `aigq` gives what is computed its
 * precision. Each is a policy of its own, too; here any of them can be left out with `false`.
 */
import * as z from 'zod';
import type { Policy, RunContext } from '../../policy.ts';
import { readOptions } from '../options.ts';
import { aigqFields, aigqPart } from './aigq.ts';
import { cacheMemoryField, type HlcSettings, hlcFields, hlcPart, isLeaping } from './hlc.ts';
import { joined, type Part } from './part.ts';
import { srapFields, srapPart } from './srap.ts';

/** Leaps follow the clip where nobody says how the stack is to be reused instead. */
function leapingByDefault(given: unknown): unknown {
  const ofCodebook: readonly string[] = ['codebook', 'probe', 'order', 'follow', 'warmup', 'final', 'leaps'];
  const isNamed =
    typeof given !== 'object' || given === null || Object.keys(given).some((key) => ofCodebook.includes(key));
  return isNamed ? given : { ...given, leaps: {} };
}

/** Options of `quantcache`. */
export const quantcacheOptions = z.strictObject({
  srap: z
    .union([z.literal(false), z.literal('auto'), z.strictObject(srapFields)])
    .default('auto')
    .describe(
      'Options of the policy srap, auto for its defaults in runs that do not leap, or false to leave out no block.',
    ),
  hlc: z
    .union([z.literal(false), z.preprocess(leapingByDefault, z.strictObject(hlcFields))])
    .prefault({})
    .describe('Options of the policy hlc, or false to reuse nothing.'),
  aigq: z
    .union([z.literal(false), z.strictObject(aigqFields)])
    .prefault({})
    .describe('Options of the policy aigq, or false to compute everything in the precision of the run.'),
  ...cacheMemoryField,
});

/** Pruning, caching and precision together. */
export function quantcache(options?: z.input<typeof quantcacheOptions>): Policy {
  const settings = readOptions('quantcache', quantcacheOptions, options);
  const { srap, hlc, aigq, cacheMemory } = settings;
  const pruning = srap === 'auto' ? unlessLeaping(srapPart(defaultSrap), hlc) : srap && srapPart(srap);
  const parts = [pruning, hlc && hlcPart(hlc), aigq && aigqPart(aigq)];
  return joined('quantcache', cacheMemory, ...parts.filter((part) => part !== false));
}

const defaultSrap = z.strictObject(srapFields).parse({});

/** A part that has no opinions in runs that leap. */
function unlessLeaping(part: Part, hlc: false | HlcSettings): Part {
  const leaps = (context: RunContext) => hlc !== false && isLeaping(hlc, context);
  return {
    name: part.name,
    depth: (node, context) => (leaps(context) ? 0 : part.depth(node, context)),
    begin: (context, memory) =>
      leaps(context) ? { finest: 'step', decide: () => undefined } : part.begin(context, memory),
  };
}
