/** Everything that the loop of one clip runs on, opened from a pipeline: conditioning, sampler, noise. */
import type { DenoiseOptions } from './denoise.ts';
import type { Geometry, TextContext } from './model.ts';
import type { Pipeline } from './pipeline.ts';
import { createArithmetic } from './runtime/arithmetic.ts';
import type { Runtime } from './runtime/runtime.ts';
import type { LatentMask } from './samplers/rflow.ts';

/** What is left to say of a run: by which policy, at which precision, told to which trace. */
export type LoopOptions = Omit<DenoiseOptions, 'policy' | 'precision' | 'trace'>;

export interface LoopRequest {
  readonly text: TextContext;
  readonly geometry: Geometry;
  readonly timesteps: Float32Array;
  /** 1 or less runs without guidance. */
  readonly guidanceScale: number;
  /** What the clips start from, one after the other. */
  readonly noise: Float32Array;
  /** Where frames are given. */
  readonly mask?: LatentMask;
  /** Fresh noise, for frames that start late. */
  readonly randn: (count: number) => Float32Array;
  readonly signal?: AbortSignal;
}

/** Opens a loop; dispose of it after its run, which can be one only. */
export async function openLoop(
  pipeline: Pipeline,
  runtime: Runtime,
  { text, geometry, timesteps, guidanceScale, noise, mask, randn, signal }: LoopRequest,
): Promise<AsyncDisposable & { readonly options: LoopOptions }> {
  const guided = guidanceScale > 1;
  const { channels, frames, height, width } = geometry.latent;
  const dims = [text.dims[0], channels, frames, height, width];
  const arithmetic = createArithmetic(runtime);
  const sampler = pipeline.sampler({ timesteps, guidanceScale, guided, mask });
  const denoiser = await pipeline.begin({ text, geometry, guided });
  return {
    options: {
      blocks: pipeline.blocks,
      denoiser,
      sampler,
      timesteps,
      latents: runtime.tensor(noise.slice(), dims),
      arithmetic,
      noise: mask && (() => runtime.tensor(randn(noise.length), dims)),
      signal,
    },
    async [Symbol.asyncDispose]() {
      denoiser.dispose();
      await sampler.dispose();
      await arithmetic.dispose();
    },
  };
}
