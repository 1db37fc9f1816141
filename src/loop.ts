/** Everything that the loop of one clip runs on, opened from a pipeline: conditioning, sampler, noise. */
import type { DenoiseOptions } from './denoise.ts';
import { QuantCacheError } from './errors.ts';
import type { Geometry, TextConditioning } from './model.ts';
import type { Pipeline } from './pipeline.ts';
import { createArithmetic } from './runtime/arithmetic.ts';
import type { Runtime } from './runtime/runtime.ts';
import type { LatentMask, SamplerMethod, Schedule } from './sampler.ts';
import type { RunState } from './state.ts';

/** What is left to say of a run: by which policy, at which precision, told to which trace. */
export type LoopOptions = Omit<DenoiseOptions, 'policy' | 'precision' | 'trace'>;

export interface LoopRequest {
  readonly text: TextConditioning;
  readonly geometry: Geometry;
  readonly schedule: Schedule;
  readonly sampler: SamplerMethod;
  /** How far guidance pushes; of no use to a text without an unconditional part. */
  readonly guidanceScale: number;
  /** What the clips start from, one after the other. */
  readonly latents: Float32Array;
  /** Where frames are given. */
  readonly mask?: LatentMask;
  /** Fresh noise, for frames that start late. */
  readonly randn: (count: number) => Float32Array;
  /** What the run remembers. Default: where nobody saves it. */
  readonly state?: RunState;
  readonly signal?: AbortSignal;
}

/** A sampler and what the model calls it. */
export type NamedSampler = SamplerMethod & { readonly name: string };

/** A sampler of the model by its name, or the model's default. Throws `invalid_option` for one that it does not have. */
export function samplerNamed({ network: { samplers } }: Pipeline, name = Object.keys(samplers)[0]!): NamedSampler {
  if (Object.hasOwn(samplers, name)) return { name, ...samplers[name]! };
  const message = `There is no sampler "${name}" for this model; use one of ${Object.keys(samplers).join(', ')}.`;
  throw new QuantCacheError('invalid_option', message);
}

/** Where a sampler evaluates in so many steps. Throws `invalid_option` for a number of steps that cannot be. */
export function scheduleOf(
  { network }: Pipeline,
  geometry: Geometry,
  numSteps: number,
  { visits }: SamplerMethod,
): Schedule {
  const plain = network.schedule(geometry, numSteps);
  if (!visits) return plain;
  const levels = visits(numSteps);
  const { timesteps, noiseLevels } = network.schedule(geometry, Math.max(...levels) + 1);
  return {
    timesteps: Float32Array.from(levels, (level) => timesteps[level]!),
    noiseLevels: [...levels.map((level) => noiseLevels[level]!), noiseLevels.at(-1)!],
  };
}

/** Opens a loop; dispose of it after its run, which can be one only. */
export async function openLoop(
  pipeline: Pipeline,
  runtime: Runtime,
  { text, geometry, schedule, sampler: method, guidanceScale, latents, mask, randn, state, signal }: LoopRequest,
): Promise<AsyncDisposable & { readonly options: LoopOptions }> {
  const { channels, frames, height, width } = geometry.latent;
  const dims = [text.conditional.dims[0], channels, frames, height, width];
  const guided = text.unconditional !== undefined;
  const arithmetic = createArithmetic(runtime);
  const { noiseLevels } = schedule;
  const samplerState = state?.part('sampler');
  const sampler = method.create(runtime, { noiseLevels, guidanceScale, guided, channels, mask, state: samplerState });
  const denoiser = await pipeline.network.begin({ text, geometry });
  return {
    options: {
      blocks: pipeline.network.blocks,
      denoiser,
      sampler,
      guidanceScale: guided ? guidanceScale : 1,
      timesteps: schedule.timesteps,
      latents: runtime.tensor(latents.slice(), dims),
      arithmetic,
      state: state?.part('steps'),
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
