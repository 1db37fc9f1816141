/**
 * SRAP of QuantCache (Wu et al. 2025, arXiv 2503.06545, section 3.4), equations 9 to 11.
 *
 *     S^(l, l+1) = cos(p^(l), p^(l+1))          p^(l) = hidden state after block l
 *
 * S needs p^(l+1), so it cannot decide about l + 1 before that ran. Two readings, as an option:
 *
 *     same-step       S^(l-1, l) decides about l + 1, as figure 2(c) is drawn; both were computed in this step
 *     last-computed   S^(l, l+1) of the last computed step decides about l + 1, where both were computed in it
 *
 * A pruned block is bypassed, or repeats the residual it had (`pruned`). The first two blocks and the last one, whose output
 * is never seen, are not pruned.
 */
import * as z from 'zod';
import type { Node } from '../../../model.ts';
import { type Run, type RunContext, reuse, skip } from '../../../policy.ts';
import type { Tensor } from '../../../runtime/runtime.ts';
import { residualStore } from '../../residuals.ts';
import type { Variation } from './caching.ts';
import { gatedProbability, pruningProbability, uniformAt } from './rules.ts';

/** Options of equations 9 to 11. */
export const pruningFields = {
  similarity: z
    .tuple([z.number(), z.number()])
    .default([0.98, 0.995])
    .describe('Eq. 10, the bounds [tau_low, tau_high] of similarity; above the second, blocks are pruned.'),
  baseProbability: z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe('Eq. 10, P_base, the probability of pruning between the bounds.'),
  gate: z
    .tuple([z.number(), z.number()])
    .default([0.1, 0.5])
    .describe('Eq. 11, the bounds [delta_low, delta_high] of the temporal variation.'),
  gateFactor: z
    .number()
    .min(1)
    .default(2)
    .describe(
      'Eq. 11, by how much the probability is raised below and lowered above the bounds; 1 turns the gate off.',
    ),
  reading: z
    .enum(['same-step', 'last-computed'])
    .default('same-step')
    .describe('Eq. 9, which similarity decides: of the two blocks before in this step, or of the block itself before.'),
  pruned: z
    .enum(['skip', 'cached'])
    .default('skip')
    .describe('What a pruned block adds: nothing, or what it last added.'),
  seed: z.int().default(0).describe('Seed of the random choice, which depends on it, the step and the block alone.'),
};

export type PruningSettings = z.output<z.ZodObject<typeof pruningFields>>;

/** Equations 9 to 11 as a run. */
export function pruningRun(settings: PruningSettings, context: RunContext, variation: Variation): Run {
  const { tree, arithmetic, measure } = context;
  const { similarity: bounds, baseProbability, gate, gateFactor, reading, pruned, seed } = settings;
  const blocks = blocksOf(tree);
  const numbers = new Map(blocks.map(({ path }, number) => [path, number]));
  const cached = residualStore();
  /** Inputs of the block now and of the one before: the outputs of the two blocks below. */
  const inputs = residualStore();
  /** S by the number of its later block, of this step and of the last computed one. */
  let now = new Map<number, number>();
  let before = new Map<number, number>();
  let step = -1;
  let wasPruned = false;

  /** Enters a block: its input is the output of the block below, which with that block's input gives S. */
  const enter = async (number: number, hidden: Tensor) => {
    const previous = inputs.get('input');
    if (previous && number > 1 && !wasPruned) {
      const similarity = await arithmetic.cosine(previous, hidden);
      now.set(number - 1, similarity);
      measure({ step, path: blocks[number - 1]!.path, values: { similarity } });
    }
    inputs.keep('input', hidden);
  };
  const prunes = (number: number): boolean => {
    if (number < 2 || number === blocks.length - 1) return false;
    const similarity = reading === 'same-step' ? now.get(number - 1) : before.get(number);
    const probability = pruningProbability(similarity ?? Number.NaN, bounds, baseProbability);
    const gated = gatedProbability(probability, variation.value, gate, gateFactor);
    return gated > 0 && uniformAt(seed, step, number) < gated;
  };

  return {
    async decide({ node, step: current, hidden }) {
      if (node.level !== 'block') return undefined;
      if (step !== current) {
        [before, now] = [now, new Map()];
        [step, wasPruned] = [current, false];
        inputs.dispose();
      }
      const number = numbers.get(node.path)!;
      await enter(number, hidden);
      wasPruned = prunes(number);
      if (!wasPruned) return undefined;
      if (pruned === 'skip') return skip;
      const residual = cached.get(node.path);
      wasPruned = residual !== undefined;
      return residual && reuse(residual);
    },
    wants: ({ level }) => level === 'block' && pruned === 'cached',
    observe: ({ node }, residual) => cached.keep(node.path, residual),
    heldBytes: () => cached.bytes() + inputs.bytes(),
    dispose() {
      cached.dispose();
      inputs.dispose();
    },
  };
}

/** The blocks in the order they run. */
const blocksOf = (tree: Node): Node[] =>
  (tree.children ?? []).flatMap((child) => (child.level === 'block' ? [child] : blocksOf(child)));
