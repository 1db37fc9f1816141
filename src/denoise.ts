/**
 * THE LOOP: from noise to latents, one yield per step, so that callers can show progress, preview, measure or stop. It
 * knows neither models nor policies nor samplers, only their interfaces.
 */
import { throwIfAborted } from './errors.ts';
import { execute } from './execute.ts';
import { type Denoiser, type Node, type Precision, treeOf } from './model.ts';
import type { Policy } from './policy.ts';
import type { Arithmetic } from './runtime/arithmetic.ts';
import type { Tensor } from './runtime/runtime.ts';
import type { Sampler } from './samplers/rflow.ts';
import type { Trace } from './trace.ts';

export interface DenoiseOptions {
  readonly blocks: readonly Node[];
  readonly denoiser: Denoiser;
  readonly sampler: Sampler;
  readonly timesteps: ArrayLike<number>;
  /** What the run starts from, `[prompts, channels, frames, height, width]`. */
  readonly latents: Tensor;
  readonly policy: Policy;
  /** The precision where the policy names none. */
  readonly precision: Precision;
  readonly arithmetic: Arithmetic;
  readonly trace: Trace;
  /** Fresh noise of the latents' shape for each step, where some frames start late. */
  readonly noise?: () => Tensor;
  readonly signal?: AbortSignal;
}

/** One finished step. Tensors are borrowed until the next one. */
export interface DenoiseStep {
  readonly step: number;
  readonly numSteps: number;
  readonly timestep: number;
  /** What the network was given, what it answered, and the latents after the step. */
  readonly input: Tensor;
  /** False for frames that were given at this step; absent where none ever is. */
  readonly frameMask?: readonly (readonly boolean[])[];
  readonly output: Tensor;
  readonly latents: Tensor;
}

/** Runs all steps; returns the last latents, which are the caller's to dispose of. */
export async function* denoise(options: DenoiseOptions): AsyncGenerator<DenoiseStep, Tensor> {
  const { denoiser, sampler, policy, arithmetic, trace, signal } = options;
  const timesteps = Array.from(options.timesteps);
  const numSteps = timesteps.length;
  const tree = treeOf(options.blocks, policy.cuts?.(options.blocks.length));
  const run = policy.begin({ numSteps, timesteps, tree, arithmetic });
  let latents = options.latents;
  try {
    for (const [step, timestep] of timesteps.entries()) {
      throwIfAborted(signal);
      const input = await sampler.prepare(latents, step, options.noise?.());
      const evaluation = await denoiser.evaluate(input.latents, timestep, input.frameMask);
      const hidden = await execute(tree, evaluation.hidden, options.precision, {
        evaluation,
        run,
        arithmetic,
        trace,
        step,
        timestep,
        signal,
      });
      const output = await evaluation.finish(hidden);
      const next = await sampler.advance(latents, input, output, step);
      yield { step, numSteps, timestep, input: input.latents, frameMask: input.frameMask, output, latents: next };
      for (const tensor of new Set([evaluation.hidden, hidden, output, input.latents, latents])) tensor.dispose();
      latents = next;
    }
    return latents;
  } finally {
    run.dispose?.();
  }
}
