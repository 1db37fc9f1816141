/**
 * FORA, Fast-Forward Caching (Selvaraju et al. 2024, arXiv 2407.01425): all attention and feed-forward modules are
 * computed every N-th step, and repeat what they added in between.
 *
 *     module(s) = computed if s mod N = 0, else that of s - s mod N
 *
 * Default of the original: N = 3. Simplified: the original caches a module's output before the timestep's gate and gates
 * it anew; here the gated residual is kept. With all kinds of modules selected the result is therefore that of reusing
 * whole steps, at the memory and the additions of the original.
 */
import * as z from 'zod';
import type { Policy } from '../policy.ts';
import { moduleKinds, readOptions } from './options.ts';
import { plannedRun } from './planned.ts';

/** Options of `fora`. */
export const foraOptions = z.strictObject({
  interval: z.int().positive().default(3).describe('Compute the modules once in this many steps. 1 computes all.'),
  modules: z
    .array(z.enum(moduleKinds))
    .default([...moduleKinds])
    .describe('Kinds of modules to reuse; others are always computed.'),
});

/** Reuse of modules for a fixed number of steps. */
export function fora(options?: z.input<typeof foraOptions>): Policy {
  const { interval, modules } = readOptions('fora', foraOptions, options);
  const kinds = new Set<string>(modules);
  return {
    name: 'fora',
    begin: () =>
      plannedRun({
        level: 'module',
        covers: (node) => node.level === 'module' && kinds.has(node.kind),
        computes: (step) => step % interval === 0,
        order: 0,
      }),
  };
}
