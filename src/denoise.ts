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
import { release, retain } from './runtime/sharing.ts';
import { watchComparisons } from './runtime/watched.ts';
import type { Sampler } from './sampler.ts';
import { type Signals, signalsOf } from './signals.ts';
import { createRunState, type RunState } from './state.ts';
import type { Trace } from './trace.ts';

export interface DenoiseOptions {
  readonly blocks: readonly Node[];
  readonly denoiser: Denoiser;
  readonly sampler: Sampler;
  /** As the sampler has it; 1 or less is no guidance. */
  readonly guidanceScale: number;
  readonly timesteps: ArrayLike<number>;
  /** What the run starts from, `[prompts, channels, frames, height, width]`; the run's to dispose of. */
  readonly latents: Tensor;
  readonly policy: Policy;
  /** The precision where the policy names none. */
  readonly precision: Precision;
  readonly arithmetic: Arithmetic;
  readonly trace: Trace;
  /** What the run remembers: begun here, or gone on with. Forgotten at the end. Default: where nobody saves it. */
  readonly state?: RunState;
  /** Fresh noise of the latents' shape for each step, where some frames start late. */
  readonly noise?: () => Tensor;
  readonly signal?: AbortSignal;
}

const optionNames: OptionNames<DenoiseOptions> = {
  blocks: true,
  denoiser: true,
  sampler: true,
  guidanceScale: true,
  timesteps: true,
  latents: true,
  policy: true,
  precision: true,
  arithmetic: true,
  trace: true,
  state: true,
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
  /** Whether the run can be saved now: not within a leap. */
  readonly canSave: boolean;
}

/** Runs all steps; returns the last latents, which are the caller's to dispose of. */
export async function* denoise(options: DenoiseOptions): AsyncGenerator<DenoiseStep, Tensor> {
  checkOptionNames(options, optionNames, 'denoise()');
  const {
    denoiser,
    sampler,
    guidanceScale,
    policy,
    precision,
    arithmetic,
    trace,
    signal,
    state = createRunState(),
  } = options;
  const timesteps = Array.from(options.timesteps);
  const numSteps = timesteps.length;
  const tree = treeOf(options.blocks, policy.cuts?.(options.blocks.length));
  const watched = watchComparisons(arithmetic, () => trace.warn(notFinite(policy)));
  const { measure, warn } = trace;
  const policyState = state.part('policy');
  const run = policy.begin({
    numSteps,
    timesteps,
    tree,
    leap: sampler.leap,
    guidanceScale,
    arithmetic: watched,
    state: policyState,
    measure,
    warn,
  });
  const next = state.data('next', { step: 0 });
  const kept = state.tensors('latents');
  if (kept.has('latents')) release(options.latents);
  else kept.own('latents', options.latents);
  try {
    while (next.step < numSteps) {
      throwIfAborted(signal);
      const { step } = next;
      const latents = kept.get('latents')!;
      const leap = sampler.leap ? run.leap?.(step) : undefined;
      if (leap) {
        const started = performance.now();
        const leapt = await sampler.leap!(leap);
        kept.own('latents', leapt);
        await assertNumbers(leapt, step, options);
        const spent = performance.now() - started;
        const end = Math.min(numSteps, step + Math.max(1, leap.steps));
        for (next.step = step + 1; next.step <= end; next.step++) {
          const passed = next.step - 1;
          trace.record({ step: passed, node: tree, did: 'reuse', precision, milliseconds: spent / leap.steps });
          const canSave = next.step === end;
          yield { step: passed, numSteps, timestep: timesteps[passed]!, latents: leapt, canSave };
        }
        next.step = end;
        continue;
      }
      const timestep = timesteps[step]!;
      const held = new Set<Tensor>([retain(latents)]);
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
        const advanced = await sampler.advance(latents, input, output, step);
        kept.own('latents', advanced);
        next.step = step + 1;
        await assertNumbers(advanced, step, options);
        const { latents: given, frameMask } = input;
        yield { step, numSteps, timestep, input: given, frameMask, output, latents: advanced, canSave: true };
      } finally {
        await signals?.dispose();
        evaluation?.dispose();
        for (const tensor of held) release(tensor);
      }
    }
    return retain(kept.get('latents')!);
  } finally {
    run.dispose?.();
    state.dispose();
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
