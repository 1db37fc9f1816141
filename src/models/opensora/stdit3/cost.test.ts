import { expect, test } from 'vitest';
import type { Geometry, Node } from '../../../model.ts';
import { attentionScores, moduleFlops } from './cost.ts';
import { tinyConfig } from './testing.ts';

test.each([
  ['spatial-attention', 1, 4 * 5 * 24 * 24],
  ['temporal-attention', 1, 4 * 5 * 24 * 5],
  ['cross-attention', 1, 4 * 5 * 24 * 12],
  ['spatial-attention', 5, 4 * 24 * 24],
  ['feed-forward', 1, 0],
])('scores are those of one sample, whatever is beside it: %s in pieces of %i', (kind, pieces, scores) => {
  const node = { path: 'spatial_blocks.0.attn', level: 'module', kind } as Node;
  for (const batch of [1, 2, 9])
    expect(attentionScores(tinyConfig, node, { dims: [batch, 5, 24, 48], pieces, captionTokens: 12 })).toBe(scores);
});

// Two samples of 5 frames of 4 x 6 patches: 240 tokens of width 48. Projections are 48 x 48; a key costs a product and a sum.
test.each([
  ['spatial-attention', 240 * 2 * (4 * 2304 + 2 * 24 * 48)],
  ['temporal-attention', 240 * 2 * (4 * 2304 + 2 * 5 * 48)],
  ['cross-attention', 240 * 2 * (2 * 2304 + 2 * 12 * 48)],
  ['feed-forward', 240 * 2 * (2 * 48 * tinyConfig.mlpSize)],
  ['final', 0],
])('operations of %s', (kind, flops) => {
  const node = { path: 'spatial_blocks.0.attn', level: 'module', kind } as Node;
  const geometry = { latent: { channels: 4, frames: 5, height: 8, width: 12 } } as Geometry;
  expect(moduleFlops(tinyConfig, node, { geometry, batch: 2, captionTokens: 12 })).toBe(flops);
});
