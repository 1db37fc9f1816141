/**
 * Sizes of the video VAE, as its `config.json` has them. Reference: Open-Sora 1.2, `OpenSoraVAE_V1_2`; the defaults are
 * those of the published checkpoint, whose own `config.json` leaves them out.
 *
 * Invariant: the factor between latents and the spatial VAE is read at the top level only. A diffusers config may carry
 * its own (0.13025 for SDXL), which Open-Sora does not use.
 */
import * as z from 'zod';

const spatialSchema = z
  .object({
    block_out_channels: z.array(z.int().positive()).nonempty().default([128, 256, 512, 512]),
    layers_per_block: z.int().positive().default(2),
    norm_num_groups: z.int().positive().default(32),
    norm_eps: z.number().positive().default(1e-6),
    latent_channels: z.int().positive().default(4),
  })
  .refine((config) => config.block_out_channels.every((channels) => channels % config.norm_num_groups === 0), {
    error: 'norm_num_groups must divide every number of block_out_channels',
  });

const temporalSchema = z
  .object({
    in_out_channels: z.int().positive().default(4),
    latent_embed_dim: z.int().positive().default(4),
    embed_dim: z.int().positive().default(4),
    filters: z.int().positive().default(128),
    num_res_blocks: z.int().positive().default(4),
    channel_multipliers: z.array(z.int().positive()).nonempty().default([1, 2, 2, 4]),
    temporal_downsample: z.array(z.boolean()).default([false, true, true]),
    num_groups: z.int().positive().default(32),
    groupnorm_eps: z.number().positive().default(1e-5),
  })
  .refine((config) => config.temporal_downsample.length >= config.channel_multipliers.length - 1, {
    error: 'temporal_downsample needs one entry between each two channel_multipliers',
  })
  .refine((config) => config.filters % config.num_groups === 0, { error: 'num_groups must divide filters' });

const schema = z.object({
  spatial: spatialSchema.prefault({}),
  temporal: temporalSchema.prefault({}),
  micro_frame_size: z.int().positive().default(17),
  micro_batch_size: z.int().positive().default(4),
  scaling_factor: z.number().positive().default(0.18215),
  scale: z.array(z.number()).default([3.85, 2.32, 2.33, 3.06]),
  shift: z.array(z.number()).default([-0.1, 0.34, 0.27, 0.98]),
});

/** The spatial VAE: diffusers' AutoencoderKL. */
export interface SpatialVaeConfig {
  /** Channels per resolution, finest first. */
  readonly blockOutChannels: readonly number[];
  /** Residual blocks per resolution in the encoder; the decoder has one more. */
  readonly layersPerBlock: number;
  readonly groups: number;
  readonly epsilon: number;
  readonly latentChannels: number;
}

/** The temporal VAE: Open-Sora's `VAE_Temporal`. */
export interface TemporalVaeConfig {
  readonly channels: number;
  readonly latentChannels: number;
  readonly embedChannels: number;
  /** Channels per level, finest in time first. */
  readonly levelChannels: readonly number[];
  /** Whether time is halved after each level but the last. */
  readonly halvesTime: readonly boolean[];
  readonly resBlocks: number;
  readonly groups: number;
  readonly epsilon: number;
}

/** Both, and how they are chained. */
export interface VaeConfig {
  readonly spatial: SpatialVaeConfig;
  readonly temporal: TemporalVaeConfig;
  /** Frames that the temporal VAE sees at once; such chunks are independent. */
  readonly chunkFrames: number;
  /** Frames per draw of noise in the original's encoder. */
  readonly microBatchSize: number;
  /** Between the two: spatial latents times this are what the temporal VAE sees. */
  readonly scalingFactor: number;
  /** Per channel: latents of the diffusion model times scale plus shift are those of the temporal VAE. */
  readonly scale: readonly number[];
  readonly shift: readonly number[];
}

/** Reads the spatial part of a config. Throws a `ZodError` for wrong values. */
export function parseSpatialConfig(json: unknown): SpatialVaeConfig {
  const config = spatialSchema.parse(json);
  return {
    blockOutChannels: config.block_out_channels,
    layersPerBlock: config.layers_per_block,
    groups: config.norm_num_groups,
    epsilon: config.norm_eps,
    latentChannels: config.latent_channels,
  };
}

/** Reads the temporal part of a config. Throws a `ZodError` for wrong values. */
export function parseTemporalConfig(json: unknown): TemporalVaeConfig {
  const config = temporalSchema.parse(json);
  return {
    channels: config.in_out_channels,
    latentChannels: config.latent_embed_dim,
    embedChannels: config.embed_dim,
    levelChannels: config.channel_multipliers.map((multiplier) => config.filters * multiplier),
    halvesTime: config.temporal_downsample.slice(0, config.channel_multipliers.length - 1),
    resBlocks: config.num_res_blocks,
    groups: config.num_groups,
    epsilon: config.groupnorm_eps,
  };
}

/** Reads a `config.json`; fields that do not matter for inference are ignored. Throws a `ZodError` for wrong values. */
export function parseVaeConfig(json: unknown): VaeConfig {
  const config = schema.parse(json);
  return {
    spatial: parseSpatialConfig(config.spatial),
    temporal: parseTemporalConfig(config.temporal),
    chunkFrames: config.micro_frame_size,
    microBatchSize: config.micro_batch_size,
    scalingFactor: config.scaling_factor,
    scale: config.scale,
    shift: config.shift,
  };
}

/** Pixels per latent in height and width: every resolution but the last halves both. */
export const spatialFactor = (config: SpatialVaeConfig): number => 2 ** (config.blockOutChannels.length - 1);

/** Frames per latent frame within a chunk. */
export const temporalFactor = (config: TemporalVaeConfig): number => 2 ** config.halvesTime.filter(Boolean).length;

/** Latent frames of a clip: every chunk, and the rest of the last one, is rounded up. 51 frames are 15. */
export function latentFrames(config: VaeConfig, frames: number): number {
  const perFrames = (count: number) => Math.ceil(count / temporalFactor(config.temporal));
  const { chunkFrames } = config;
  return Math.floor(frames / chunkFrames) * perFrames(chunkFrames) + perFrames(frames % chunkFrames);
}
