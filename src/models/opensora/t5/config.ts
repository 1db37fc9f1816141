/**
 * Sizes of a T5 encoder, as its `config.json` has them. Reference: transformers, `T5Config`; the defaults are those of
 * T5 v1.1 XXL, which Open-Sora 1.2 was trained with.
 */
import * as z from 'zod';

const schema = z
  .object({
    vocab_size: z.int().positive().default(32128),
    d_model: z.int().positive().default(4096),
    d_kv: z.int().positive().default(64),
    d_ff: z.int().positive().default(10240),
    num_layers: z.int().positive().default(24),
    num_heads: z.int().positive().default(64),
    relative_attention_num_buckets: z.int().positive().multipleOf(4).default(32),
    relative_attention_max_distance: z.int().positive().default(128),
    layer_norm_epsilon: z.number().positive().default(1e-6),
    feed_forward_proj: z
      .literal('gated-gelu', { error: 'only "gated-gelu" is supported: use a T5 v1.1 encoder, not T5 v1.0' })
      .default('gated-gelu'),
  })
  .refine((config) => config.relative_attention_max_distance > config.relative_attention_num_buckets / 4, {
    error: 'relative_attention_max_distance must be above a quarter of relative_attention_num_buckets',
  });

export interface T5Config {
  readonly vocabularySize: number;
  readonly hiddenSize: number;
  readonly headSize: number;
  readonly numHeads: number;
  /** Width of both branches of the gated feed-forward. */
  readonly feedForwardSize: number;
  readonly numLayers: number;
  /** Distances between tokens are told apart in this many classes, half of them for each direction. */
  readonly distanceBuckets: number;
  /** Distances from here on share one class. */
  readonly maxDistance: number;
  readonly epsilon: number;
}

/** Reads a `config.json`; fields that do not matter for the encoder are ignored. Throws a `ZodError` for wrong values. */
export function parseT5Config(json: unknown): T5Config {
  const config = schema.parse(json);
  return {
    vocabularySize: config.vocab_size,
    hiddenSize: config.d_model,
    headSize: config.d_kv,
    numHeads: config.num_heads,
    feedForwardSize: config.d_ff,
    numLayers: config.num_layers,
    distanceBuckets: config.relative_attention_num_buckets,
    maxDistance: config.relative_attention_max_distance,
    epsilon: config.layer_norm_epsilon,
  };
}
