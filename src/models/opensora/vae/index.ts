/**
 * The video VAE of Open-Sora 1.2: latents of the diffusion model to pixels and back.
 *
 * The temporal VAE works on chunks of 17 frames that know nothing of each other, the spatial VAE on single frames, so a
 * video of any length needs the memory of one chunk. Reference: Open-Sora 1.2, `opensora/models/vae/vae.py`,
 * `VideoAutoencoderPipeline`.
 */
import { type Clip, chunksOf, clipOf, concatFrames } from '../../../clip.ts';
import { QuantCacheError, throwIfAborted } from '../../../errors.ts';
import type { Graph, Value } from '../../../onnx/graph.ts';
import type { Runtime, Tensor } from '../../../runtime/runtime.ts';
import { checkWeights } from '../../../weights/check.ts';
import type { Weights } from '../../../weights/checkpoint.ts';
import type { VaeFactors } from '../sizes.ts';
import { type LatentScale, type SpatialCoder, spatialCoder, type TemporalCoder, temporalCoder } from './coders.ts';
import { latentFrames, spatialFactor, temporalFactor, type VaeConfig } from './config.ts';
import { optionalWeights, vaeShapes } from './weights.ts';

/** Options of the slow calls. */
export interface VaeOptions {
  /** Checked between batches of frames. */
  signal?: AbortSignal;
}

/** The next `count` standard normal numbers. */
export type Randn = (count: number) => Float32Array;

export interface Vae {
  /** Tensors of the checkpoint that are not used. */
  readonly unused: readonly string[];
  readonly latentChannels: number;
  /** What sizes and lengths are divided by. */
  readonly factors: VaeFactors;
  /** Latent frames of a clip of so many frames. */
  latentFrames(frames: number): number;
  /**
   * Pixels of latents `[1, channels, latentFrames(numFrames), height, width]`: clips of a few frames in order, with three
   * channels, nominally in [-1, 1]. The caller keeps ownership of the latents.
   */
  decode(latents: Tensor, numFrames: number, options?: VaeOptions): AsyncGenerator<Clip>;
  /** The first half of `decode`: per chunk of 17 frames, the latents of single frames that the spatial VAE decodes. */
  decodeTime(latents: Tensor, numFrames: number, options?: VaeOptions): AsyncGenerator<Clip>;
  /**
   * Latents of a clip with three channels in [-1, 1], `[channels, latentFrames(frames), height, width]`. The posteriors of
   * both VAEs are sampled, with noise asked for in the original's order.
   */
  encode(clip: Clip, randn: Randn, options?: VaeOptions): Promise<Clip>;
  /** Bytes of the largest layer's input and output while frames of so many pixels are decoded. */
  decoderBytes(pixels: number): number;
  /** Hidden states of the spatial encoder, a few frames at a time; see `Pipeline.features`. Absent without an encoder. */
  features?(clip: Clip, options?: VaeOptions): AsyncGenerator<readonly Clip[]>;
  /** Frees the compiled graphs, and with them most memory; the VAE stays usable. */
  dispose(): Promise<void>;
}

/** The two networks and how they are chained. */
interface Networks {
  readonly config: VaeConfig;
  readonly spatial: SpatialCoder;
  readonly temporal: TemporalCoder;
}

/**
 * Bytes that the largest activation of a batch of the spatial VAE may have. Beyond the processor's cache a larger batch is
 * slower: 128x128 pixels of the demo model take 24 ms a frame one by one and 45 ms in a batch of 17 (CPU time).
 */
const activationBudget = 4 * 2 ** 20;

/** The VAE of a checkpoint. Throws `weights_mismatch` where it does not fit the config; encoders may be missing. */
export function loadVae(runtime: Runtime, weights: Weights, config: VaeConfig): Vae {
  const unused = checkWeights(weights, vaeShapes(config), { optional: optionalWeights, label: 'the video VAE' });
  assertScale(weights, config);
  const { scalingFactor } = config;
  const spatial = spatialCoder(runtime, weights.scope('spatial_vae.module'), { ...config.spatial, scalingFactor });
  const temporal = temporalCoder(runtime, weights.scope('temporal_vae'), config.temporal, latentScale(weights, config));
  const networks = { config, spatial, temporal };
  const readLatents = async (latents: Tensor) => clipOf(await runtime.read(latents), latents.dims);
  return {
    unused,
    latentChannels: config.temporal.embedChannels,
    factors: {
      spatial: spatialFactor(config.spatial),
      temporal: temporalFactor(config.temporal),
      chunkFrames: config.chunkFrames,
    },
    latentFrames: (frames) => latentFrames(config, frames),
    decoderBytes: (pixels) => 2 * batchFrames(config, pixels) * largestActivation(config, pixels),
    async *decode(latents, numFrames, options = {}) {
      const chunks = decodeTime(networks, await readLatents(latents), numFrames, options);
      for await (const chunk of chunks) yield* decodeSpace(networks, chunk, options);
    },
    async *decodeTime(latents, numFrames, options = {}) {
      yield* decodeTime(networks, await readLatents(latents), numFrames, options);
    },
    async encode(clip, randn, options = {}) {
      return encodeTime(networks, await encodeSpace(networks, clip, randn, options), randn, options);
    },
    ...(weights.has('spatial_vae.module.encoder.conv_in.weight') && {
      features: (clip: Clip, options: VaeOptions = {}) => encoderFeatures(networks, clip, options),
    }),
    async dispose() {
      await spatial.dispose();
      await temporal.dispose();
    },
  };
}

/** Latents of a clip to those of its frames, chunk by chunk. */
async function* decodeTime(
  { config, temporal }: Networks,
  latents: Clip,
  numFrames: number,
  { signal }: VaeOptions,
): AsyncGenerator<Clip> {
  const expected = latentFrames(config, numFrames);
  if (latents.frames !== expected) {
    const message = `${numFrames} frames are ${expected} latent frames, but the latents have ${latents.frames}.`;
    throw new QuantCacheError('invalid_option', message);
  }
  let remaining = numFrames;
  for (const chunk of chunksOf(latents, latentFrames(config, config.chunkFrames))) {
    throwIfAborted(signal);
    yield await temporal.decode(chunk, Math.min(config.chunkFrames, remaining));
    remaining -= config.chunkFrames;
  }
}

/** Latents of frames to pixels, batch by batch. */
async function* decodeSpace(
  { config, spatial }: Networks,
  latents: Clip,
  { signal }: VaeOptions,
): AsyncGenerator<Clip> {
  const factor = spatialFactor(config.spatial);
  const pixels = factor * latents.height * factor * latents.width;
  for (const batch of chunksOf(latents, batchFrames(config, pixels))) {
    throwIfAborted(signal);
    yield await spatial.decode(batch);
  }
}

/** Pixels to the hidden states of the spatial encoder, batch by batch. */
async function* encoderFeatures(
  { config, spatial }: Networks,
  clip: Clip,
  { signal }: VaeOptions,
): AsyncGenerator<readonly Clip[]> {
  for (const batch of chunksOf(clip, batchFrames(config, clip.height * clip.width))) {
    throwIfAborted(signal);
    yield await spatial.features(batch);
  }
}

/** Pixels to sampled latents of frames. Noise is drawn for micro batches as in the original, whatever our batches are. */
async function encodeSpace(
  { config, spatial }: Networks,
  clip: Clip,
  randn: Randn,
  { signal }: VaeOptions,
): Promise<Clip> {
  const latents: Clip[] = [];
  for (const group of chunksOf(clip, config.microBatchSize)) {
    const noise = randn(product(spatial.noiseDims(group)));
    const noisePerFrame = noise.length / group.frames;
    let used = 0;
    for (const batch of chunksOf(group, batchFrames(config, clip.height * clip.width))) {
      throwIfAborted(signal);
      const part = noise.subarray(used, used + batch.frames * noisePerFrame);
      latents.push((await spatial.encode(batch, part)).sample);
      used += part.length;
    }
  }
  return concatFrames(latents);
}

/** Latents of frames to sampled latents of the clip. */
async function encodeTime(
  { config, temporal }: Networks,
  frames: Clip,
  randn: Randn,
  { signal }: VaeOptions,
): Promise<Clip> {
  const latents: Clip[] = [];
  for (const chunk of chunksOf(frames, config.chunkFrames)) {
    throwIfAborted(signal);
    const noise = randn(product(temporal.noiseDims(chunk)));
    latents.push((await temporal.encode(chunk, noise)).sample);
  }
  return concatFrames(latents);
}

/** Throws `weights_mismatch` where numbers per channel come from the config, and it has more or fewer of them than channels. */
function assertScale(weights: Weights, config: VaeConfig): void {
  const { embedChannels } = config.temporal;
  for (const name of ['scale', 'shift'] as const) {
    if (weights.has(name) || config[name].length === embedChannels) continue;
    const message = `The VAE's ${name} has ${config[name].length} numbers for ${embedChannels} channels of latents; correct "${name}" in its config.json.`;
    throw new QuantCacheError('weights_mismatch', message);
  }
}

/** The diffusion model's latents are (z - shift) / scale, with the numbers of the checkpoint or else of the config. */
function latentScale(weights: Weights, config: VaeConfig): LatentScale {
  const numbers = (graph: Graph, name: 'scale' | 'shift'): Value =>
    weights.has(name)
      ? graph.weight(weights.get(name))
      : graph.constant(Float32Array.from(config[name]), [1, config[name].length, 1, 1, 1]);
  return {
    unscale: (graph, z) => graph.op.Add(graph.op.Mul(z, numbers(graph, 'scale')), numbers(graph, 'shift')),
    scale: (graph, z) => graph.op.Div(graph.op.Sub(z, numbers(graph, 'shift')), numbers(graph, 'scale')),
  };
}

/** Frames per batch of the spatial VAE, whose largest activation comes after the last upsampling. */
function batchFrames(config: VaeConfig, pixels: number): number {
  return Math.max(1, Math.floor(activationBudget / largestActivation(config, pixels)));
}

/** Bytes per frame. */
const largestActivation = ({ spatial }: VaeConfig, pixels: number): number =>
  (spatial.blockOutChannels[1] ?? spatial.blockOutChannels[0]!) * pixels * Float32Array.BYTES_PER_ELEMENT;

const product = (dims: readonly number[]): number => dims.reduce((count, size) => count * size, 1);
