/**
 * The tensors of an STDiT3 checkpoint and their shapes. Reference: Open-Sora 1.2 state dict (973 tensors for XL/2).
 * `rope.freqs` may be missing, as it is a formula; position buffers may be there and are ignored.
 */
import type { NamePatterns } from '../../../weights/check.ts';
import type { Stdit3Config } from './config.ts';
import { sinusoidSize } from './positions.ts';

/** Tensors that a checkpoint may lack. */
export const optionalWeights: NamePatterns = ['rope.freqs'];
/** Tensors that a checkpoint may carry and that are not used. */
export const ignoredWeights: NamePatterns = [/^pos_embed\./, /^rope\.(dummy|cached)/];

/** Name to shape, for every tensor that a network of these sizes needs. */
export function stdit3Shapes(config: Stdit3Config): Map<string, readonly number[]> {
  const { hiddenSize: d, inChannels, patchHeight, patchWidth, outChannels, captionChannels } = config;
  const shapes = new Map<string, readonly number[]>([
    ['rope.freqs', [config.headSize / 2]],
    ['y_embedder.y_embedding', [config.maxCaptionLength, captionChannels]],
    ['final_layer.scale_shift_table', [2, d]],
    ['x_embedder.proj.weight', [d, inChannels, 1, patchHeight, patchWidth]],
    ['x_embedder.proj.bias', [d]],
  ]);
  const linear = (name: string, inputs: number, outputs: number) => {
    shapes.set(`${name}.weight`, [outputs, inputs]).set(`${name}.bias`, [outputs]);
  };
  for (const embedder of ['t_embedder', 'fps_embedder']) {
    linear(`${embedder}.mlp.0`, sinusoidSize, d);
    linear(`${embedder}.mlp.2`, d, d);
  }
  linear('t_block.1', d, 6 * d);
  linear('y_embedder.y_proj.fc1', captionChannels, d);
  linear('y_embedder.y_proj.fc2', d, d);
  linear('final_layer.linear', d, patchHeight * patchWidth * outChannels);
  for (const axis of ['spatial', 'temporal']) {
    for (let index = 0; index < config.depth; index++) {
      const block = `${axis}_blocks.${index}`;
      shapes.set(`${block}.scale_shift_table`, [6, d]);
      linear(`${block}.attn.qkv`, d, 3 * d);
      linear(`${block}.attn.proj`, d, d);
      if (config.qkNorm)
        for (const norm of ['q_norm', 'k_norm']) shapes.set(`${block}.attn.${norm}.weight`, [config.headSize]);
      linear(`${block}.cross_attn.q_linear`, d, d);
      linear(`${block}.cross_attn.kv_linear`, d, 2 * d);
      linear(`${block}.cross_attn.proj`, d, d);
      linear(`${block}.mlp.fc1`, d, config.mlpSize);
      linear(`${block}.mlp.fc2`, config.mlpSize, d);
    }
  }
  return shapes;
}
