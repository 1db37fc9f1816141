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
 * Neighbours l and l + 1 are of one kind, as figure 4 draws spatial and temporal blocks apart, or follow in the order they
 * run (`neighbours`). In that order, a temporal block that does little makes the spatial block after it look redundant.
 *
 * A pruned block is bypassed, or repeats the residual it had (`pruned`). The first blocks, which
 * have no neighbours below, and the last one, whose output is never seen, are not pruned.
 */
import * as z from 'zod';
import type { Node } from '../../../model.ts';
import { type Run, type RunContext, reuse, skip } from '../../../policy.ts';
import type { Tensor } from '../../../runtime/runtime.ts';
import { tensorStore } from '../../../runtime/tensorstore.ts';
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
  neighbours: z
    .enum(['kind', 'order'])
    .default('kind')
    .describe('Eq. 9, whether l and l + 1 are neighbours among blocks of one kind, or in the order they run.'),
  pruned: z
    .enum(['skip', 'cached'])
    .default('skip')
    .describe('What a pruned block adds: nothing, or what it last added.'),
  seed: z.int().default(0).describe('Seed of the random choice, which depends on it, the step and the block alone.'),
};

export type PruningSettings = z.output<z.ZodObject<typeof pruningFields>>;

/** Equations 9 to 11 as a run. */
export function pruningRun(settings: PruningSettings, context: RunContext, variation: Variation): Run {
  const { tree, arithmetic, measure, state } = context;
  const { similarity: bounds, baseProbability, gate, gateFactor, reading, pruned, seed } = settings;
  const blocks = blocksOf(tree);
  const numbers = new Map(blocks.map(({ path }, number) => [path, number]));
  const cached = state.tensors('cached');
  /** The last output of each line of neighbours, of blocks that were computed in this step. */
  const outputs = tensorStore();
  /** S by the path of its later block, of this step and of the last computed one. */
  const similarities = state.data('similarities', {
    now: new Map<string, number>(),
    before: new Map<string, number>(),
  });
  /** The current step. */
  let step = -1;
  /** The block that ran last in this step, if it was computed. */
  let below: Node | undefined;

  const lineOf = (block: Node) => (settings.neighbours === 'kind' ? block.kind : 'all');
  const neighbourOf = (block: Node) =>
    blocks.slice(0, numbers.get(block.path)).findLast((other) => lineOf(other) === lineOf(block));

  /** Enters a block: its input is the output of the block below, which with its neighbour's output gives S. */
  const enter = async (hidden: Tensor) => {
    if (!below) return;
    const line = lineOf(below);
    const previous = outputs.get(line);
    if (previous) {
      const similarity = await arithmetic.cosine(previous, hidden);
      similarities.now.set(below.path, similarity);
      measure({ step, path: below.path, values: { similarity } });
    }
    outputs.keep(line, hidden);
  };
  const prunes = (block: Node): boolean => {
    const neighbour = neighbourOf(block);
    if (!neighbour || block === blocks.at(-1)) return false;
    const { now, before } = similarities;
    const similarity = reading === 'same-step' ? now.get(neighbour.path) : before.get(block.path);
    const probability = pruningProbability(similarity ?? Number.NaN, bounds, baseProbability);
    const gated = gatedProbability(probability, variation.value, gate, gateFactor);
    return gated > 0 && uniformAt(seed, step, numbers.get(block.path)!) < gated;
  };

  return {
    async decide({ node, step: current, hidden }) {
      if (node.level !== 'block') return undefined;
      if (step !== current) {
        similarities.before = similarities.now;
        similarities.now = new Map();
        [step, below] = [current, undefined];
        outputs.dispose();
      }
      await enter(hidden);
      const residual = cached.get(node.path);
      const action = prunes(node) ? (pruned === 'skip' ? skip : residual && reuse(residual)) : undefined;
      below = action ? undefined : node;
      // Its neighbours on both sides are no longer neighbours of each other.
      if (action) outputs.drop(lineOf(node));
      return action;
    },
    wants: ({ level }) => level === 'block' && pruned === 'cached',
    observe: ({ node }, residual) => cached.keep(node.path, residual),
    heldBytes: () => cached.bytes() + outputs.bytes(),
    dispose() {
      cached.dispose();
      outputs.dispose();
    },
  };
}

/** The blocks in the order they run. */
const blocksOf = (tree: Node): Node[] =>
  (tree.children ?? []).flatMap((child) => (child.level === 'block' ? [child] : blocksOf(child)));
