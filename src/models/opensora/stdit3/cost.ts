/**
 * What a network costs: floating-point operations and parameters of each module, from sizes alone. One multiply-add is
 * two operations; element-wise work is not counted.
 */
import type { Geometry, Node } from '../../../model.ts';
import type { Stdit3Config } from './config.ts';
import { type Dims, rowsOf } from './pieces.ts';
import { patchGrid } from './positions.ts';

export interface CostOptions {
  readonly geometry: Geometry;
  /** Samples in the network's batch: twice the prompts with guidance. */
  readonly batch: number;
  /** Caption tokens per sample. */
  readonly captionTokens: number;
}

/**
 * Attention scores that a module computes at a time of one sample: how often a query meets a key, in all heads. What is
 * decided by them does not depend on the other samples of a batch.
 */
export function attentionScores(
  { numHeads }: Stdit3Config,
  { kind }: Node,
  { dims, pieces, captionTokens }: { readonly dims: Dims; readonly pieces: number; readonly captionTokens: number },
): number {
  const [, frames, tokens, width] = dims;
  const seen: Readonly<Record<string, number>> = {
    'spatial-attention': tokens,
    'temporal-attention': frames,
    'cross-attention': captionTokens,
  };
  return rowsOf(pieces, [1, frames, tokens, width]) * numHeads * (seen[kind] ?? 0);
}

/** Floating-point operations of one run of a module. */
export function moduleFlops(config: Stdit3Config, node: Node, { geometry, batch, captionTokens }: CostOptions): number {
  const { rows, columns } = patchGrid(config, geometry.latent);
  const perFrame = rows * columns;
  const { frames } = geometry.latent;
  const tokens = batch * frames * perFrame;
  const d = config.hiddenSize;
  switch (node.kind) {
    case 'spatial-attention':
      return tokens * (8 * d * d + 4 * perFrame * d);
    case 'temporal-attention':
      return tokens * (8 * d * d + 4 * frames * d);
    case 'cross-attention':
      return tokens * (4 * d * d + 4 * captionTokens * d);
    case 'feed-forward':
      return tokens * 4 * d * config.mlpSize;
    default:
      return 0;
  }
}
