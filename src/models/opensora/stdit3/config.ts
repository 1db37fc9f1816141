/**
 * Sizes of an STDiT3 network, as its `config.json` has them. Reference: Open-Sora 1.2, `STDiT3Config`; the defaults are
 * those of STDiT3-XL/2.
 */
import * as z from 'zod';

const schema = z
  .object({
    input_sq_size: z.number().positive().default(512),
    in_channels: z.int().positive().default(4),
    patch_size: z.tuple([z.literal(1), z.int().positive(), z.int().positive()]).default([1, 2, 2]),
    hidden_size: z.int().positive().multipleOf(4).default(1152),
    depth: z.int().positive().default(28),
    num_heads: z.int().positive().default(16),
    mlp_ratio: z.number().positive().default(4),
    pred_sigma: z.boolean().default(true),
    caption_channels: z.int().positive().default(4096),
    model_max_length: z.int().positive().default(300),
    qk_norm: z.boolean().default(true),
  })
  .refine((config) => config.hidden_size % (2 * config.num_heads) === 0, {
    error: 'hidden_size must be an even multiple of num_heads', // positions turn pairs of a head's channels
  });

export interface Stdit3Config {
  /** Square root of the pixel area at which positions count one by one. */
  readonly inputSquareSize: number;
  readonly inChannels: number;
  readonly patchHeight: number;
  readonly patchWidth: number;
  readonly hiddenSize: number;
  /** Number of pairs of a spatial and a temporal block. */
  readonly depth: number;
  readonly numHeads: number;
  readonly headSize: number;
  readonly mlpSize: number;
  /** Channels of the network's output: twice `inChannels` where it also predicts an (unused) sigma. */
  readonly outChannels: number;
  readonly captionChannels: number;
  /** Rows of the null caption; longer captions are cut. */
  readonly maxCaptionLength: number;
  readonly qkNorm: boolean;
}

/** Reads a `config.json`; fields that do not matter for inference are ignored. Throws a `ZodError` for wrong values. */
export function parseStdit3Config(json: unknown): Stdit3Config {
  const config = schema.parse(json);
  return {
    inputSquareSize: config.input_sq_size,
    inChannels: config.in_channels,
    patchHeight: config.patch_size[1],
    patchWidth: config.patch_size[2],
    hiddenSize: config.hidden_size,
    depth: config.depth,
    numHeads: config.num_heads,
    headSize: config.hidden_size / config.num_heads,
    mlpSize: Math.trunc(config.hidden_size * config.mlp_ratio),
    outChannels: config.pred_sigma ? config.in_channels * 2 : config.in_channels,
    captionChannels: config.caption_channels,
    maxCaptionLength: config.model_max_length,
    qkNorm: config.qk_norm,
  };
}
