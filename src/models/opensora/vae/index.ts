/**
 * The video VAE of Open-Sora 1.2: latents of the diffusion model to pixels and back.
 *
 * The temporal VAE works on chunks of 17 frames that know nothing of each other, the spatial VAE on single frames, so a
 * video of any length needs the memory of one chunk. Reference: Open-Sora 1.2, `opensora/models/vae/vae.py`,
 * `VideoAutoencoderPipeline`.
 */
import { QuantCacheError, throwIfAborted } from '../../../errors.ts';
import type { Graph, Value } from '../../../onnx/graph.ts';
import type { Runtime, Tensor } from '../../../runtime/runtime.ts';
import { checkWeights } from '../../../weights/check.ts';
import type { Weights } from '../../../weights/checkpoint.ts';
import type { VaeFactors } from '../sizes.ts';
import { type Clip, chunksOf, clipOf, concatFrames, sliceFrames } from './clip.ts';
import { type LatentScale, spatialCoder, temporalCoder } from './coders.ts';
import { latentFrames, spatialFactor, temporalFactor, type VaeConfig } from './config.ts';
import { optionalWeights, vaeShapes } from './weights.ts';

/** Options of the slow calls. */
export interface VaeOptions {
  /** Checked between batches of frames. */
  signal?: AbortSignal;
}

export interface Vae {
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
   * Latents of a clip with three channels in [-1, 1], `[channels, latentFrames(frames), height, width]`. Both VAEs are
   * sampled: `randn(count)` gives the next `count` standard normal numbers, asked for in the original's order.
   */
  encode(clip: Clip, randn: (count: number) => Float32Array, options?: VaeOptions): Promise<Clip>;
  /** Frees the compiled graphs, and with them most memory; the VAE stays usable. */
  release(): Promise<void>;
}

/** Bytes that the largest activation of the spatial VAE may have, which bounds the frames per batch. */
const activationBudget = 256 * 2 ** 20;

/** The VAE of a checkpoint. Throws `weights_mismatch` where it does not fit the config; encoders may be missing. */
export function loadVae(runtime: Runtime, weights: Weights, config: VaeConfig): Vae {
  checkWeights(weights, vaeShapes(config), { optional: optionalWeights, label: 'the video VAE' });
  const spatial = spatialCoder(runtime, weights.scope('spatial_vae.module'), {
    ...config.spatial,
    scalingFactor: config.scalingFactor,
  });
  const temporal = temporalCoder(runtime, weights.scope('temporal_vae'), config.temporal, latentScale(weights, config));
  const chunkLatents = latentFrames(config, config.chunkFrames);
  const factor = spatialFactor(config.spatial);

  async function* decodeTime(latents: Tensor, numFrames: number, { signal }: VaeOptions = {}): AsyncGenerator<Clip> {
    const z = clipOf(await runtime.read(latents), latents.dims);
    checkLatents(z, latentFrames(config, numFrames), numFrames);
    let remaining = numFrames;
    for (const chunk of chunksOf(z, chunkLatents)) {
      throwIfAborted(signal);
      yield await temporal.decode(chunk, Math.min(config.chunkFrames, remaining));
      remaining -= config.chunkFrames;
    }
  }

  return {
    latentChannels: config.temporal.embedChannels,
    factors: { spatial: factor, temporal: temporalFactor(config.temporal), chunkFrames: config.chunkFrames },
    latentFrames: (frames) => latentFrames(config, frames),
    decodeTime,
    async *decode(latents, numFrames, options = {}) {
      for await (const chunk of decodeTime(latents, numFrames, options)) {
        const frames = batchFrames(config, chunk.height * factor, chunk.width * factor);
        for (const batch of chunksOf(chunk, frames)) {
          throwIfAborted(options.signal);
          yield await spatial.decode(batch);
        }
      }
    },
    async encode(clip, randn, { signal } = {}) {
      const frames: Clip[] = [];
      for (const group of chunksOf(clip, config.microBatchSize)) {
        const noise = randn(product(spatial.noiseDims(group)));
        const size = noise.length / group.frames;
        for (let start = 0; start < group.frames; ) {
          throwIfAborted(signal);
          const batch = sliceFrames(group, start, start + batchFrames(config, clip.height, clip.width));
          const part = noise.subarray(start * size, (start + batch.frames) * size);
          frames.push((await spatial.encode(batch, part)).sample);
          start += batch.frames;
        }
      }
      const latents: Clip[] = [];
      for (const chunk of chunksOf(concatFrames(frames), config.chunkFrames)) {
        throwIfAborted(signal);
        latents.push((await temporal.encode(chunk, randn(product(temporal.noiseDims(chunk))))).sample);
      }
      return concatFrames(latents);
    },
    async release() {
      await spatial.release();
      await temporal.release();
    },
  };
}

/** The diffusion model's latents are (z - shift) / scale, with the numbers of the checkpoint or else of the config. */
function latentScale(weights: Weights, config: VaeConfig): LatentScale {
  const numbers = (graph: Graph, name: 'scale' | 'shift'): Value =>
    weights.has(name)
      ? graph.weight(weights.get(name))
      : graph.constant(Float32Array.from(config[name]), [1, config[name].length, 1, 1, 1]);
  return {
    unscale: (graph, z) => graph.op.Add!(graph.op.Mul!(z, numbers(graph, 'scale')), numbers(graph, 'shift')),
    scale: (graph, z) => graph.op.Div!(graph.op.Sub!(z, numbers(graph, 'shift')), numbers(graph, 'scale')),
  };
}

/** Frames per batch of the spatial VAE: as many as keep its largest activation within the budget, at least one. */
function batchFrames({ spatial, microBatchSize }: VaeConfig, height: number, width: number): number {
  const channels = spatial.blockOutChannels[1] ?? spatial.blockOutChannels[0]!; // after the last upsampling
  const bytesPerFrame = channels * height * width * Float32Array.BYTES_PER_ELEMENT;
  return Math.max(1, Math.min(microBatchSize, Math.floor(activationBudget / bytesPerFrame)));
}

function checkLatents(latents: Clip, expected: number, numFrames: number): void {
  if (latents.frames === expected) return;
  const message = `${numFrames} frames are ${expected} latent frames, but the latents have ${latents.frames}.`;
  throw new QuantCacheError('invalid_option', message);
}

const product = (dims: readonly number[]): number => dims.reduce((count, size) => count * size, 1);
