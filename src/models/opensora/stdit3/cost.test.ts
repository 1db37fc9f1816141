import { expect, test } from 'vitest';
import type { Node } from '../../../model.ts';
import { attentionScores } from './cost.ts';
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
