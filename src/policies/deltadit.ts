/**
 * Delta-DiT (Chen et al. 2024, arXiv 2406.01125): in early steps, which make outlines, the last blocks are reused, in late
 * steps, which make details, the first ones; as the change they make to the hidden state, not as their output.
 *
 *     step s computed whole if s mod N = 0, else the last (s < b) or the first (s >= b) blocks add what they last added
 *
 * The boundary b and the number of blocks are per model in the paper and not published for Open-Sora; the defaults here,
 * half of the steps and half of the blocks with N = 2, are ours.
 */
import * as z from 'zod';
import { type Policy, type Run, type RunContext, reuse } from '../policy.ts';
import { readOptions } from './options.ts';

/** Options of `deltadit`. */
export const deltaditOptions = z.strictObject({
  interval: z.int().positive().default(2).describe('Compute everything once in this many steps. 1 computes all.'),
  boundary: z
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .describe('Part of the run after which the first blocks are reused instead of the last.'),
  share: z.number().positive().max(0.5).default(0.5).describe('Part of the blocks that is reused, at either end.'),
});

type Options = z.output<typeof deltaditOptions>;

/** Reuse of one end of the network. */
export function deltadit(given?: z.input<typeof deltaditOptions>): Policy {
  const options = readOptions('deltadit', deltaditOptions, given);
  return {
    name: 'deltadit',
    cuts(numBlocks) {
      const count = Math.max(1, Math.floor(options.share * numBlocks));
      return [...new Set([count, numBlocks - count])];
    },
    begin: (context) => begin(options, context),
  };
}

function begin({ interval, boundary }: Options, { numSteps, tree, state }: RunContext): Run {
  const kept = state.tensors('residuals');
  const segments = tree.children!;
  const [front, back] = [segments[0]!.path, segments.at(-1)!.path];
  const target = (step: number) => (step < boundary * numSteps ? back : front);
  return {
    finest: 'segment',
    decide({ node, step }) {
      if (step % interval === 0 || node.path !== target(step)) return undefined;
      const residual = kept.get(node.path);
      return residual && reuse(residual);
    },
    wants: ({ path }) => path === front || path === back,
    observe({ node, step }, residual) {
      if (node.path === target(step + 1)) kept.keep(node.path, residual);
      else kept.drop(node.path);
    },
    heldBytes: kept.bytes,
    dispose: kept.dispose,
  };
}
