/**
 * THE LOOP: from noise to latents, one yield per step, so that callers can show progress, preview, measure or stop. It
 * knows neither models nor policies nor samplers, only their interfaces.
 */

import { QuantCacheError, throwIfAborted } from './errors.ts';
import { execute } from './execute.ts';
import { checkCheckpoint } from './finite.ts';
import { type Denoiser, type Evaluation, type Node, type Precision, treeOf } from './model.ts';
import { checkOptionNames, type OptionNames } from './options.ts';
import type { Policy } from './policy.ts';
import type { Arithmetic } from './runtime/arithmetic.ts';
import type { Tensor } from './runtime/runtime.ts';
import { release } from './runtime/sharing.ts';
import { watchComparisons } from './runtime/watched.ts';
import type { Sampler } from './sampler.ts';
import { type Signals, signalsOf } from './signals.ts';
import type { Trace } from './trace.ts';

export interface DenoiseOptions {
  readonly blocks: readonly Node[];
  readonly denoiser: Denoiser;
  readonly sampler: Sampler;
  readonly timesteps: ArrayLike<number>;
  /** What the run starts from, `[prompts, channels, frames, height, width]`; the run's to dispose of. */
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

const optionNames: OptionNames<DenoiseOptions> = {
  blocks: true,
  denoiser: true,
  sampler: true,
  timesteps: true,
  latents: true,
  policy: true,
  precision: true,
  arithmetic: true,
  trace: true,
  noise: true,
  signal: true,
};

/** One finished step. Tensors are borrowed until the next one. */
export interface DenoiseStep {
  readonly step: number;
  readonly numSteps: number;
  readonly timestep: number;
  /** What the network was given and what it answered; absent where the step was leapt over. */
  readonly input?: Tensor;
  readonly output?: Tensor;
  /** False for frames that were given at this step; absent where none ever is. */
  readonly frameMask?: readonly (readonly boolean[])[];
  /** After the step; after a leap, those that it leads to. */
  readonly latents: Tensor;
}

/** Runs all steps; returns the last latents, which are the caller's to dispose of. */
export async function* denoise(options: DenoiseOptions): AsyncGenerator<DenoiseStep, Tensor> {
  checkOptionNames(options, optionNames, 'denoise()');
  const { denoiser, sampler, policy, precision, arithmetic, trace, signal } = options;
  const timesteps = Array.from(options.timesteps);
  const numSteps = timesteps.length;
  const tree = treeOf(options.blocks, policy.cuts?.(options.blocks.length));
  const watched = watchComparisons(arithmetic, () => trace.warn(notFinite(policy)));
  const { measure, warn } = trace;
  const canLeap = sampler.leap !== undefined;
  const run = policy.begin({ numSteps, timesteps, tree, canLeap, arithmetic: watched, measure, warn });
  let current: Tensor | undefined = options.latents;
  try {
    for (let step = 0; step < numSteps; ) {
      throwIfAborted(signal);
      const latents: Tensor = current!;
      const leap = canLeap ? run.leap?.(step) : undefined;
      if (leap) {
        const started = performance.now();
        current = await sampler.leap!(leap);
        release(latents);
        await assertNumbers(current, step, options);
        const spent = performance.now() - started;
        for (const end = Math.min(numSteps, step + Math.max(1, leap.steps)); step < end; step++) {
          trace.record({ step, node: tree, did: 'reuse', precision, milliseconds: spent / leap.steps });
          yield { step, numSteps, timestep: timesteps[step]!, latents: current };
        }
        continue;
      }
      const timestep = timesteps[step]!;
      current = undefined;
      const held = new Set<Tensor>([latents]);
      let evaluation: Evaluation | undefined;
      let signals: Signals | undefined;
      try {
        const input = await sampler.prepare(latents, step, options.noise?.());
        held.add(input.latents);
        evaluation = await denoiser.evaluate(input.latents, timestep, input.frameMask);
        held.add(evaluation.hidden);
        signals = signalsOf(evaluation, input.latents);
        const context = { evaluation, run, arithmetic, trace, signals, step, timestep, signal };
        const hidden = await execute(tree, evaluation.hidden, precision, context);
        held.add(hidden);
        const output = await evaluation.finish(hidden);
        held.add(output);
        await run.observeOutput?.({ step, latents: input.latents, output });
        if (run.heldBytes) trace.measure({ step, path: tree.path, values: { heldBytes: run.heldBytes() } });
        current = await sampler.advance(latents, input, output, step);
        await assertNumbers(current, step, options);
        yield { step, numSteps, timestep, input: input.latents, frameMask: input.frameMask, output, latents: current };
      } finally {
        await signals?.dispose();
        evaluation?.dispose();
        for (const tensor of held) release(tensor);
      }
      step++;
    }
    const result = current!;
    current = undefined;
    return result;
  } finally {
    if (current) release(current);
    run.dispose?.();
  }
}

/** One NaN spreads to all latents within a step or two: the run ends at once, on whichever device it is. */
async function assertNumbers(latents: Tensor, step: number, { arithmetic, precision }: DenoiseOptions): Promise<void> {
  if (Number.isFinite(await arithmetic.meanAbsolute(latents))) return;
  const todo =
    precision === 'fp32' ? checkCheckpoint : `${checkCheckpoint} --precision fp32 shows whether it is the model.`;
  const message = `The latents after step ${step + 1}, asked for in ${precision}, hold NaN or infinity. ${todo}`;
  throw new QuantCacheError('not_finite', message);
}

const notFinite = ({ name }: Policy): string =>
  `A statistic of policy "${name}" was not a finite number; what it would have saved is computed instead.`;
