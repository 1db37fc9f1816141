/**
 * FORA, Fast-Forward Caching (Selvaraju et al. 2024, arXiv 2407.01425): all attention and feed-forward modules are
 * computed every N-th step, and repeat what they added in between.
 *
 *     module(s) = computed if s mod N = 0, else that of s - s mod N
 *
 * Default of the original: N = 3. Simplified: the original caches a module's output before the timestep's gate and gates
 * it anew; here the gated residual is kept. With all modules selected that is reusing whole steps, and is done so: what all
 * of them added is kept as one.
 */
import * as z from 'zod';
import { modulesIn } from '../model.ts';
import type { Policy } from '../policy.ts';
import { checkModuleNames, isNamed, modulesField, readOptions } from './options.ts';
import { plannedRun } from './planned.ts';

/** Options of `fora`. */
export const foraOptions = z.strictObject({
  interval: z.int().positive().default(3).describe('Compute the modules once in this many steps. 1 computes all.'),
  modules: modulesField().describe('Modules to reuse, by role or kind; others are always computed.'),
});

/** Reuse of modules for a fixed number of steps. */
export function fora(options?: z.input<typeof foraOptions>): Policy {
  const { interval, modules } = readOptions('fora', foraOptions, options);
  return {
    name: 'fora',
    begin(context) {
      checkModuleNames('fora', modules, context.tree);
      const isWhole = modulesIn(context.tree).every((node) => isNamed(modules, node));
      return plannedRun(context, {
        level: isWhole ? 'step' : 'module',
        covers: (node) => (isWhole ? node.level === 'step' : isNamed(modules, node)),
        computes: (step) => step % interval === 0,
        order: 0,
      });
    },
  };
}
