/** Everything that the loop of one clip runs on, opened from a pipeline: conditioning, sampler, noise. */
import type { DenoiseOptions } from './denoise.ts';
import type { Geometry, TextConditioning } from './model.ts';
import type { Pipeline } from './pipeline.ts';
import { createArithmetic } from './runtime/arithmetic.ts';
import type { Runtime } from './runtime/runtime.ts';
import type { LatentMask, SamplerFactory, Schedule } from './sampler.ts';

/** What is left to say of a run: by which policy, at which precision, told to which trace. */
export type LoopOptions = Omit<DenoiseOptions, 'policy' | 'precision' | 'trace'>;

export interface LoopRequest {
  readonly text: TextConditioning;
  readonly geometry: Geometry;
  readonly schedule: Schedule;
  readonly sampler: SamplerFactory;
  /** How far guidance pushes; of no use to a text without an unconditional part. */
  readonly guidanceScale: number;
  /** What the clips start from, one after the other. */
  readonly latents: Float32Array;
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
  { text, geometry, schedule, sampler: create, guidanceScale, latents, mask, randn, signal }: LoopRequest,
): Promise<AsyncDisposable & { readonly options: LoopOptions }> {
  const { channels, frames, height, width } = geometry.latent;
  const dims = [text.conditional.dims[0], channels, frames, height, width];
  const guided = text.unconditional !== undefined;
  const arithmetic = createArithmetic(runtime);
  const sampler = create(runtime, { noiseLevels: schedule.noiseLevels, guidanceScale, guided, channels, mask });
  const denoiser = await pipeline.network.begin({ text, geometry });
  return {
    options: {
      blocks: pipeline.network.blocks,
      denoiser,
      sampler,
      timesteps: schedule.timesteps,
      latents: runtime.tensor(latents.slice(), dims),
      arithmetic,
      noise: mask && (() => runtime.tensor(randn(latents.length), dims)),
      signal,
    },
    async [Symbol.asyncDispose]() {
      denoiser.dispose();
      await sampler.dispose();
      await arithmetic.dispose();
    },
  };
}
