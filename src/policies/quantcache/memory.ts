/**
 * What nodes added when they were last computed, and how fast that was changing: the one memory that caching, precision and
 * pruning of `quantcache` share, bounded in bytes. Our definition, after AdaCache and QuantCache's equation 5:
 *
 *     D(s, n) = |r(s, n) - r(s', n)|_1 / |r(s', n)|_1 / (s - s')
 *
 * r(s, n) = residual of node n computed at step s, s' = the step at which it was computed before. A node beyond the bound is
 * not remembered, hence always computed. Parents come before children: one residual of the stack is worth more than many of
 * modules.
 */
import { type Node, nodesOf } from '../../model.ts';
import type { RunContext, Site } from '../../policy.ts';
import type { Term } from '../../runtime/arithmetic.ts';
import type { Tensor } from '../../runtime/runtime.ts';
import { bytesOf } from '../../runtime/tensorstore.ts';
import { type History, residualHistory } from '../history.ts';

/** What was seen of a node when it was last computed. */
export interface Seen {
  readonly step: number;
  /** D of the node; `undefined` until it has been computed twice, NaN where the numbers were broken. */
  readonly divergence?: number;
}

export interface Memory {
  /** Whether a node's residual is remembered. */
  wants(node: Node): boolean;
  /** Learns the size of a residual, which is that of the hidden state, once. Call it before the first node is computed. */
  size(hidden: Tensor): void;
  observe(site: Site, residual: Tensor): Promise<void>;
  seen(node: Node): Seen | undefined;
  /** The residual expected at a later step, as a weighted sum; `undefined` where nothing is remembered. */
  predict(node: Node, step: number): Term[] | undefined;
  /** Sets room aside for other tensors of so many bytes, beside the residuals; false where too little is left. */
  reserve(bytes: number): boolean;
  heldBytes(): number;
  dispose(): void;
}

export interface MemoryOptions {
  /** How many residuals are kept of a node; 0 for none. One holds, two extrapolate. */
  depth(node: Node): number;
  /** The most that may be held, in bytes. */
  readonly limit: number;
}

/** An empty memory for one run. */
export function createMemory(context: RunContext, { depth, limit }: MemoryOptions): Memory {
  const { tree, arithmetic, measure, warn, state } = context;
  const depths = new Set([...nodesOf(tree)].map(depth).filter((kept) => kept > 0));
  const histories = new Map([...depths].map((kept) => [kept, residualHistory(state, kept - 1)]));
  const sightings = state.data('seen', new Map<string, Seen>());
  const room = state.data('room', { sized: false, remembered: new Set<string>(), left: limit });

  const historyOf = (node: Node): History => histories.get(depth(node))!;

  return {
    wants: (node) => room.remembered.has(node.path),
    size(hidden) {
      if (room.sized) return;
      room.sized = true;
      const wanted = [...nodesOf(tree)].filter((node) => depth(node) > 0).sort(parentsFirst);
      const fitting = affordable(wanted, depth, Math.floor(limit / bytesOf(hidden)));
      room.remembered = new Set(fitting.map(({ path }) => path));
      room.left -= fitting.reduce((count, node) => count + depth(node), 0) * bytesOf(hidden);
      if (fitting.length === wanted.length) return;
      const needed = wanted.reduce((count, node) => count + depth(node), 0) * bytesOf(hidden);
      warn(
        `Only ${fitting.length} of ${wanted.length} residuals fit into ${megabytes(limit)} of cache memory; all of them take ${megabytes(needed)}.`,
      );
    },
    async observe({ node, step }, residual) {
      const history = historyOf(node);
      const before = history.latest(node.path);
      let divergence: number | undefined;
      if (before) {
        divergence = (await arithmetic.relativeL1(residual, before.residual)) / (step - before.step);
        measure({ step, path: node.path, values: { divergence } });
      }
      sightings.set(node.path, { step, divergence });
      history.observe(node.path, step, residual);
    },
    reserve(bytes) {
      if (bytes > room.left) return false;
      room.left -= bytes;
      return true;
    },
    seen: ({ path }) => sightings.get(path),
    predict: (node, step) => (room.remembered.has(node.path) ? historyOf(node).predict(node.path, step) : undefined),
    heldBytes: () => [...histories.values()].reduce((bytes, history) => bytes + history.bytes(), 0),
    dispose() {
      for (const history of histories.values()) history.dispose();
    },
  };
}

const ranks = { step: 0, segment: 1, block: 2, module: 3 } as const;
const parentsFirst = (a: Node, b: Node): number => ranks[a.level] - ranks[b.level];

/** The first nodes whose residuals fit into a number of slots. */
function affordable(nodes: readonly Node[], depth: (node: Node) => number, slots: number): Node[] {
  let left = slots;
  return nodes.filter((node) => {
    left -= depth(node);
    return left >= 0;
  });
}

const megabytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MB`;
