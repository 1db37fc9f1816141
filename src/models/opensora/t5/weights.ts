/** Names and shapes of the T5 encoder's tensors, as transformers' `T5EncoderModel` saves them. */
import type { Weights } from '../../../weights/checkpoint.ts';
import type { T5Config } from './config.ts';

/** The table of biases by class of distance, `[buckets, heads]`; all blocks use that of the first. */
export const distanceBiasName = 'encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight';

/** Tensors of complete T5 models that the encoder has no use for. */
export const unusedWeights: readonly RegExp[] = [
  /^decoder\./,
  /^lm_head\./,
  /^(shared|encoder\.embed_tokens)\.weight$/,
];

const embeddingNames = ['shared.weight', 'encoder.embed_tokens.weight'] as const;

/** The name of the embedding table: checkpoints store it under one of two names, or under both. */
export const embeddingName = (weights: Weights): string =>
  embeddingNames.find((name) => weights.has(name)) ?? embeddingNames[0];

/** Every tensor of the encoder. */
export function t5Shapes(config: T5Config, embedding: string): Map<string, readonly number[]> {
  const { hiddenSize, numHeads, headSize, feedForwardSize } = config;
  const inner = numHeads * headSize;
  const shapes = new Map<string, readonly number[]>([
    [embedding, [config.vocabularySize, hiddenSize]],
    [distanceBiasName, [config.distanceBuckets, numHeads]],
    ['encoder.final_layer_norm.weight', [hiddenSize]],
  ]);
  for (let block = 0; block < config.numLayers; block++) {
    const layer = `encoder.block.${block}.layer`;
    for (const name of ['q', 'k', 'v']) shapes.set(`${layer}.0.SelfAttention.${name}.weight`, [inner, hiddenSize]);
    shapes.set(`${layer}.0.SelfAttention.o.weight`, [hiddenSize, inner]);
    shapes.set(`${layer}.0.layer_norm.weight`, [hiddenSize]);
    for (const name of ['wi_0', 'wi_1']) {
      shapes.set(`${layer}.1.DenseReluDense.${name}.weight`, [feedForwardSize, hiddenSize]);
    }
    shapes.set(`${layer}.1.DenseReluDense.wo.weight`, [hiddenSize, feedForwardSize]);
    shapes.set(`${layer}.1.layer_norm.weight`, [hiddenSize]);
  }
  return shapes;
}
