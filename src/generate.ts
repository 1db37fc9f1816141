/**
 * From prompts to videos: text, noise, the loop, pixels, once per loop of a long clip. An async generator: it yields what
 * is happening and returns the result, so that progress, memory and stopping belong to the caller.
 */
import { type Batch, clipOf, joinLatents } from './batch.ts';
import type { Clip } from './clip.ts';
import { stageClock } from './clock.ts';
import { decodeLoop, joinLoops } from './decode.ts';
import { denoise } from './denoise.ts';
import { assertFinite, checkCheckpoint } from './finite.ts';
import { openLoop } from './loop.ts';
import type { Geometry, TextConditioning } from './model.ts';
import { checkOptionNames } from './options.ts';
import type { Pipeline, Start } from './pipeline.ts';
import { predictClean } from './predict.ts';
import { referencesOf } from './references.ts';
import type { Runtime, Tensor } from './runtime/runtime.ts';
import { type GenerateOptions, generateNames, promptWarnings, type Settings, settle } from './settings.ts';
import { createRunState, type RunState } from './state.ts';
import { createTrace, type Decision, type Trace } from './trace.ts';

export type Stage = 'text' | 'reference' | 'denoise' | 'decode';

/** What is happening. `milliseconds` is the time since the run began. */
export type GenerateEvent =
  | { readonly type: 'stage'; readonly stage: Stage; readonly loop: number; readonly milliseconds: number }
  | {
      readonly type: 'step';
      readonly step: number;
      readonly numSteps: number;
      readonly loop: number;
      /** Which of how many that run one after the other; the first of one where all prompts' clips run together. */
      readonly clip: number;
      readonly clips: number;
      /** What was decided at this step, inner nodes before those that they are part of. */
      readonly decisions: readonly Decision[];
      /** Whether the state of the run can be saved now. */
      readonly canSave: boolean;
      /**
       * The clean latents `[prompts, channels, frames, height, width]` that the network predicts from here, of the clip where they
       * run one after the other; absent where the step was leapt over. Ask before the next event.
       */
      readonly predict?: () => Promise<Float32Array | undefined>;
      readonly milliseconds: number;
    }
  | {
      readonly type: 'frames';
      readonly decoded: number;
      readonly total: number;
      readonly loop: number;
      readonly milliseconds: number;
    }
  | {
      /** The prompts are encoded: this loop's, and those before. */
      readonly type: 'text';
      readonly loop: number;
      readonly text: readonly TextConditioning[];
      readonly milliseconds: number;
    }
  | {
      /** A loop is denoised: its latents `[prompts, channels, frames, height, width]`, and those before. */
      readonly type: 'latents';
      readonly loop: number;
      readonly latents: readonly Float32Array[];
      readonly geometry: Geometry;
      readonly trace: Trace;
      readonly milliseconds: number;
    }
  | { readonly type: 'warning'; readonly message: string; readonly milliseconds: number };

export interface GenerateResult {
  /** One clip per prompt, three channels in [-1, 1]. */
  readonly videos: readonly Clip[];
  readonly fps: number;
  /** The last loop's latents, `[prompts, channels, frames, height, width]`. */
  readonly latents: Float32Array;
  readonly geometry: Geometry;
  /** The name of the sampler. */
  readonly sampler: string;
  readonly trace: Trace;
  /** Milliseconds per stage, all loops together. */
  readonly times: Readonly<Record<Stage, number>>;
}

export type { GenerateOptions };

/** Makes one video per prompt. Throws `invalid_option` before any computation, `aborted` when the signal fires. */
export async function* generate(
  pipeline: Pipeline,
  runtime: Runtime,
  asked: GenerateOptions,
): AsyncGenerator<GenerateEvent, GenerateResult> {
  checkOptionNames(asked, generateNames, 'generate()');
  const { state = createRunState() } = asked;
  const options = { ...asked, state, references: await referencesOf(pipeline, asked) };
  const settings = settle(pipeline, options);
  const { geometry, prompts, conditioning, guidanceScale, loops } = settings;
  const clock = stageClock<Stage>();
  const trace = createTrace(state);
  let told = trace.warnings.length; // where the run goes on, earlier ones were told
  for (const message of [...pipeline.warnings, ...promptWarnings(prompts)]) trace.warn(message);
  function* news(): Generator<GenerateEvent> {
    for (; told < trace.warnings.length; told++)
      yield { type: 'warning', message: trace.warnings[told]!, milliseconds: clock.now() };
  }
  yield* news();

  const made = state.data<Made>('made', { text: [...(asked.text ?? [])], latents: [], clips: [] });
  let decided = trace.decisions.length;
  for (let loop = made.clips.length; loop < loops; loop++) {
    const enter = (stage: Stage): GenerateEvent => ({ type: 'stage', stage, loop, milliseconds: clock.enter(stage) });
    if (!made.text[loop]) {
      yield enter('text');
      const texts = prompts.map((prompt) => prompt.textFor(loop));
      const { negativePrompt, signal } = options;
      made.text[loop] = await pipeline.text.encode({ texts, negativePrompt, guided: guidanceScale > 1 }, signal);
    }
    const text = made.text[loop]!;
    for (const { states } of [text.conditional, text.unconditional ?? text.conditional])
      assertFinite(states, 'The states of the text encoder', checkCheckpoint);
    yield { type: 'text', loop, text: made.text.slice(0, loop + 1), milliseconds: clock.now() };

    const before = made.clips.at(-1);
    if (!made.start) {
      if (before || options.references.some((clips) => clips.length)) yield enter('reference');
      made.start = await conditioning.next(before);
      assertFinite(made.start.latents, 'What the clips start from', checkCheckpoint);
    }

    yield enter('denoise');
    const loopState = state.part('loop');
    const steps = denoiseFrom(
      pipeline,
      runtime,
      options,
      settings,
      { text, ...made.start },
      { trace, state: loopState },
    );
    let result = await steps.next();
    for (; !result.done; result = await steps.next()) {
      const { step, numSteps, canSave, clip, clips } = result.value;
      const decisions = trace.decisions.slice(decided);
      decided = trace.decisions.length;
      const setting = { noiseLevel: settings.schedule.noiseLevels[step]!, guidanceScale };
      const predict = result.value.output && predictClean.bind(undefined, runtime, result.value, setting);
      const milliseconds = clock.now();
      yield { type: 'step', step, numSteps, loop, clip, clips, decisions, canSave, predict, milliseconds };
      yield* news();
    }
    loopState.dispose();
    yield* news();
    made.latents.push(result.value);
    made.start = undefined;
    const latents = [...made.latents];
    yield { type: 'latents', loop, latents, geometry, trace, milliseconds: clock.now() };

    yield enter('decode');
    const total = prompts.length * geometry.numFrames;
    const { signal } = options;
    const clips = decodeLoop(pipeline, runtime, { latents: result.value, geometry, prompts: prompts.length, signal });
    let decoded = await clips.next();
    for (; !decoded.done; decoded = await clips.next())
      yield { type: 'frames', decoded: decoded.value, total, loop, milliseconds: clock.now() };
    made.clips.push(decoded.value);
  }
  const { latents, clips } = made;
  const videos = prompts.map((_, prompt) =>
    joinLoops(
      clips.map((loop) => loop[prompt]!),
      pipeline.pixels.overlap,
    ),
  );
  return {
    videos,
    fps: geometry.fps,
    latents: latents.at(-1)!,
    geometry,
    sampler: settings.sampler.name,
    trace,
    times: { text: 0, reference: 0, denoise: 0, decode: 0, ...clock.finish() },
  };
}

/** What is made so far, loop by loop. */
interface Made {
  readonly text: TextConditioning[];
  /** What the present loop started from. */
  start?: Start;
  readonly latents: Float32Array[];
  /** One clip per prompt. */
  readonly clips: Clip[][];
}

interface Told {
  readonly trace: Trace;
  readonly state: RunState;
}

/** Denoises a batch: all its clips together, or one after the other where the policy decides by what a clip does. */
async function* denoiseFrom(
  pipeline: Pipeline,
  runtime: Runtime,
  options: GenerateOptions,
  settings: Settings,
  batch: Batch,
  { trace, state }: Told,
) {
  const clips = options.policy.apart ? settings.prompts.length : 1;
  const done = state.data<{ latents: Float32Array[] }>('done', { latents: [] });
  for (let clip = done.latents.length; clip < clips; clip++) {
    const start = clips > 1 ? clipOf(batch, clip, clips) : batch;
    const told = { trace, state: state.part('clip') };
    const steps = denoiseTogether(pipeline, runtime, options, settings, start, told);
    let result = await steps.next();
    for (; !result.done; result = await steps.next()) yield { ...result.value, clip, clips };
    done.latents.push(result.value);
    told.state.dispose();
  }
  return joinLatents(done.latents);
}

async function* denoiseTogether(
  pipeline: Pipeline,
  runtime: Runtime,
  { signal, policy, precision = 'fp32' }: GenerateOptions,
  settings: Settings,
  batch: Batch,
  { trace, state }: Told,
) {
  const { generator } = settings;
  await using loop = await openLoop(pipeline, runtime, {
    ...{ ...settings, ...batch },
    ...{ randn: generator.randn, state, signal },
  });
  const latents: Tensor = yield* denoise({ ...loop.options, policy, precision, trace });
  const data = (await runtime.read(latents)).slice();
  latents.dispose();
  return data;
}

/** Runs a generator to its end and returns what it returns; `onEvent` sees what it yields. */
export async function finish<Event, Result>(
  run: AsyncGenerator<Event, Result>,
  onEvent?: (event: Event) => void | Promise<void>,
): Promise<Result> {
  let next = await run.next();
  for (; !next.done; next = await run.next()) await onEvent?.(next.value);
  return next.value;
}
