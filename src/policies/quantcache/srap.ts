/**
 * Structural Redundancy-Aware Pruning (SRAP), our definition of what QuantCache (Wu et al. 2025, arXiv 2503.06545, section
 * 3.4) describes; `paper/` has the equations as published.
 *
 * At a computed step, a block is left out if that is expected to change the hidden state by less than a threshold. The
 * error E is known from when the block was last computed, and depends on what is put in its place:
 *
 *     nothing      E = c                        c = |r|_2 / |h|_2         the block's residual over its input, mean of tokens
 *     neighbour    E = c sqrt(1 - S^2)          S = cos(r, r_p)           r_p = residual of the block of its kind before it,
 *                                                                         which is added in the size that r had
 *     cached       E = c D (s - s')             D = divergence            its own last residual (`memory.ts`)
 *
 * so a block that does little, repeats its neighbour, or repeats itself goes first. First and last blocks are protected, a
 * cap bounds how many are left out of a step, and none is left out too often in a row. No random choice.
 */
import * as z from 'zod';
import type { Node } from '../../model.ts';
import { type Action, type Policy, predict, type Run, type RunContext, type Site, skip } from '../../policy.ts';
import type { Tensor } from '../../runtime/runtime.ts';
import { tensorStore } from '../../runtime/tensorstore.ts';
import { readOptions } from '../options.ts';
import { cacheMemoryField } from './hlc.ts';
import type { Memory } from './memory.ts';
import { joined, type Part } from './part.ts';

/** Options of the pruning part. */
export const srapFields = {
  threshold: z
    .number()
    .nonnegative()
    .default(0.02)
    .describe('Expected change of the hidden state below which a block is left out; 0 computes all.'),
  instead: z
    .enum(['nothing', 'neighbour', 'cached'])
    .default('cached')
    .describe("What takes a block's place: nothing, the neighbour's residual in its size, or its own last residual."),
  cap: z.number().min(0).max(1).default(0.25).describe('Largest share of the blocks left out of one step.'),
  protectFirst: z.int().nonnegative().default(2).describe('Blocks at the beginning that are never left out.'),
  protectLast: z.int().nonnegative().default(2).describe('Blocks at the end that are never left out.'),
  inARow: z.int().positive().default(2).describe('Computed steps in a row that may leave out the same block.'),
  warmup: z.int().positive().default(3).describe('Steps at the beginning that leave out nothing.'),
  final: z.int().nonnegative().default(1).describe('Steps at the end that leave out nothing.'),
};

/** Options of `srap`. */
export const srapOptions = z.strictObject({ ...srapFields, ...cacheMemoryField });

/** Settings of the part, with defaults filled in. */
export type SrapSettings = z.output<z.ZodObject<typeof srapFields>>;

/** Pruning alone. */
export function srap(options?: z.input<typeof srapOptions>): Policy {
  const { cacheMemory, ...settings } = readOptions('srap', srapOptions, options);
  return joined('srap', cacheMemory, srapPart(settings));
}

/** Pruning as a part. */
export function srapPart(settings: SrapSettings): Part {
  const remembers = settings.threshold > 0 && settings.instead === 'cached';
  return {
    name: 'srap',
    depth: (node, { tree }) => (remembers && candidatesOf(settings, tree).includes(node) ? 1 : 0),
    begin: (context, memory) => begin(settings, context, memory),
  };
}

/** What was measured of a block when it was last computed. */
interface Measured {
  /** c of the equations. */
  readonly contribution: number;
  /** S and the weight that gives the neighbour's residual the block's size. */
  readonly similarity?: number;
  readonly weight?: number;
}

function begin(settings: SrapSettings, context: RunContext, memory: Memory): Run {
  const { instead, threshold, cap, warmup, final, inARow } = settings;
  const { numSteps, arithmetic, measure, state } = context;
  const blocks = blocksOf(context.tree);
  const candidates = candidatesOf(settings, context.tree);
  // A neighbour may be a protected block, whose residual is then needed.
  const watched = new Set(instead === 'neighbour' ? blocks : candidates);
  const measured = state.data('measured', new Map<string, Measured>());
  const leftOut = state.data('left out', new Map<string, number>());
  /** The last residual of each kind of block in the current step. */
  const neighbours = tensorStore();
  /** Of the current step. */
  let plan: { step: number; paths: ReadonlySet<string> } = { step: -1, paths: new Set() };

  const errorOf = (block: Node, step: number): number => {
    const { contribution, similarity } = measured.get(block.path) ?? { contribution: Number.NaN };
    if (instead === 'nothing') return contribution;
    if (instead === 'neighbour') return contribution * Math.sqrt(1 - (similarity ?? Number.NaN) ** 2);
    const seen = memory.seen(block);
    return contribution * (seen?.divergence ?? Number.NaN) * (step - (seen?.step ?? Number.NaN));
  };
  const choose = (step: number): ReadonlySet<string> => {
    const errors = candidates
      .filter(({ path }) => (leftOut.get(path) ?? 0) < inARow)
      .map((block) => ({ path: block.path, error: errorOf(block, step) }))
      .filter(({ error }) => error < threshold)
      .sort((a, b) => a.error - b.error);
    return new Set(errors.slice(0, Math.floor(cap * blocks.length)).map(({ path }) => path));
  };
  const replacement = ({ node, step }: Site): Action | undefined => {
    if (instead === 'nothing') return skip;
    if (instead === 'cached') {
      const terms = memory.predict(node, step);
      return terms && predict(terms);
    }
    const tensor = neighbours.get(node.kind);
    return tensor && predict([{ tensor, weight: measured.get(node.path)!.weight! }]);
  };
  const compareWithNeighbour = async (node: Node, residual: Tensor): Promise<Record<string, number>> => {
    const neighbour = neighbours.get(node.kind);
    if (!neighbour) return {};
    const similarity = await arithmetic.cosine(residual, neighbour);
    return { similarity, weight: similarity * (await arithmetic.magnitudeRatio(residual, neighbour)) };
  };

  return {
    finest: threshold === 0 ? 'step' : 'block',
    decide(site) {
      const { node, step } = site;
      if (node.level !== 'block' || threshold === 0) return undefined;
      if (plan.step !== step) {
        neighbours.dispose();
        plan = { step, paths: step < warmup || step >= numSteps - final ? new Set() : choose(step) };
      }
      const action = plan.paths.has(node.path) ? replacement(site) : undefined;
      if (action) leftOut.set(node.path, (leftOut.get(node.path) ?? 0) + 1);
      else leftOut.delete(node.path);
      return action;
    },
    wants: (node) => threshold > 0 && watched.has(node),
    async observe({ node, step, hidden }, residual) {
      const contribution = await arithmetic.magnitudeRatio(residual, hidden);
      const likeness = instead === 'neighbour' ? await compareWithNeighbour(node, residual) : {};
      if (instead === 'neighbour') neighbours.keep(node.kind, residual);
      measured.set(node.path, { contribution, ...likeness });
      measure({ step, path: node.path, values: { contribution, ...likeness } });
    },
    heldBytes: neighbours.bytes,
    dispose: neighbours.dispose,
  };
}

/** The blocks that may be left out. */
function candidatesOf({ protectFirst, protectLast }: SrapSettings, tree: Node): Node[] {
  const blocks = blocksOf(tree);
  return blocks.slice(protectFirst, Math.max(protectFirst, blocks.length - protectLast));
}

/** The blocks in the order they run. */
const blocksOf = (tree: Node): Node[] =>
  (tree.children ?? []).flatMap((child) => (child.level === 'block' ? [child] : blocksOf(child)));
