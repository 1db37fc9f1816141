/**
 * What a sampler is: it turns what the network answers into the next latents. Samplers and policies share one notation,
 * that of a straight flow between data and noise:
 *
 *     x(s) = (1 - s) data + s noise        s = noise level, 1 for noise, 0 for data
 *     output = data - noise                 the velocity towards the data; a family whose network says it otherwise converts
 */
import type { Leap } from './policy.ts';
import type { Runtime, Tensor } from './runtime/runtime.ts';
import type { RunState } from './state.ts';

/** `[prompts][frames]` in [0, 1]: 1 to generate, 0 to keep the given latent, between to edit it. */
export type LatentMask = readonly (readonly number[])[];

/** Where a run evaluates the network, noisiest first. */
export interface Schedule {
  /** What the network is told at each step, in (0, 1000]. */
  readonly timesteps: Float32Array;
  /** The noise level of each step, and of the result, which is one more. */
  readonly noiseLevels: readonly number[];
}

/** The latents to evaluate the network on at one step. */
export interface StepInput {
  readonly latents: Tensor;
  /** False for frames that are given at this step; absent where no frame ever is. */
  readonly frameMask?: boolean[][];
}

export interface Sampler {
  /** Prepares a step: frames whose turn has come get `noise` (same shape as the latents; needed only with a mask). */
  prepare(latents: Tensor, step: number, noise?: Tensor): Promise<StepInput>;
  /** The latents after the step, from those that `prepare` was given, what it returned and the network's output. */
  advance(latents: Tensor, input: StepInput, output: Tensor, step: number): Promise<Tensor>;
  /** Latents and outputs of earlier steps, weighted and added; absent where a run cannot leap. */
  leap?(leap: Leap): Promise<Tensor>;
  dispose(): Promise<void>;
}

/** What a sampler of one generation is made from. */
export interface SamplerOptions {
  readonly noiseLevels: readonly number[];
  /** How far the conditional prediction is pushed from the unconditional one; 1 is no guidance. */
  readonly guidanceScale: number;
  /** The network's output holds an unconditional half of the batch. */
  readonly guided: boolean;
  /** Channels of the latents; the network may give more, which are dropped. */
  readonly channels: number;
  readonly mask?: LatentMask;
  /** Where a sampler keeps what it remembers of earlier steps. Default: where nobody saves it. */
  readonly state?: RunState;
}

/** A way to sample. */
export interface SamplerMethod {
  /** For people, in one line. */
  readonly description: string;
  /**
   * For a method that evaluates at some noise levels more than once: the number of the level, from 0, of each of so many
   * evaluations. Absent where every evaluation has a level of its own.
   */
  readonly visits?: (evaluations: number) => readonly number[];
  create(runtime: Runtime, options: SamplerOptions): Sampler;
}
