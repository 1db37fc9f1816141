/**
 * From prompts to videos: text, noise, the loop, pixels, once per loop of a long clip. An async generator: it yields what
 * is happening and returns the result, so that progress, memory and stopping belong to the caller.
 */
import { type Clip, concatFrames, dimsOf, samplesOf, sliceFrames } from './clip.ts';
import { stageClock } from './clock.ts';
import { denoise } from './denoise.ts';
import { QuantCacheError } from './errors.ts';
import { assertFinite, checkCheckpoint } from './finite.ts';
import { type NamedSampler, openLoop, samplerNamed, scheduleOf } from './loop.ts';
import { type Geometry, type Precision, precisions, type TextConditioning } from './model.ts';
import { checkOptionNames, type OptionNames } from './options.ts';
import {
  type Conditioning,
  type FamilyOptions,
  type Pipeline,
  type PreparedPrompt,
  type SizeRequest,
  type Start,
  sizeNames,
} from './pipeline.ts';
import type { Policy } from './policy.ts';
import { referencesOf } from './references.ts';
import type { Runtime, Tensor } from './runtime/runtime.ts';
import type { Schedule } from './sampler.ts';
import { type RandomGenerator, torchGenerator } from './samplers/random.ts';
import { createTrace, type Decision, type Trace } from './trace.ts';

export interface GenerateOptions extends SizeRequest {
  /** One video per prompt, all denoised in one batch. */
  readonly prompts: readonly string[];
  /** What to steer away from, where the model takes such a prompt; needs guidance. */
  readonly negativePrompt?: string;
  readonly numSteps?: number;
  /** One of the model's samplers; default its first. */
  readonly sampler?: string;
  /** 1 or less runs without guidance, at half the cost. */
  readonly guidanceScale?: number;
  /** Seeds the noise as PyTorch's CPU generator does. Default 42. */
  readonly seed?: number | bigint | string;
  /** Clips that follow each other, each beginning with the end of the one before. Default 1. */
  readonly loops?: number;
  /**
   * Pixels that condition each prompt's clip, in [-1, 1]; by default the first frame of the first one is kept. Pictures that
   * a prompt itself names come after them.
   */
  readonly references?: readonly (readonly Clip[])[];
  /** What only this family of models understands, such as a score that its captions were completed with. */
  readonly familyOptions?: FamilyOptions;
  readonly policy: Policy;
  /** The precision where the policy names none. Default fp32. */
  readonly precision?: Precision;
  readonly signal?: AbortSignal;
}

const optionNames: OptionNames<GenerateOptions> = {
  prompts: true,
  negativePrompt: true,
  ...sizeNames,
  numSteps: true,
  sampler: true,
  guidanceScale: true,
  seed: true,
  loops: true,
  references: true,
  familyOptions: true,
  policy: true,
  precision: true,
  signal: true,
};

export type Stage = 'text' | 'reference' | 'denoise' | 'decode';

/** What is happening. `milliseconds` is the time since the run began. */
export type GenerateEvent =
  | { readonly type: 'stage'; readonly stage: Stage; readonly loop: number; readonly milliseconds: number }
  | {
      readonly type: 'step';
      readonly step: number;
      readonly numSteps: number;
      readonly loop: number;
      /** What was decided at this step, inner nodes before those that they are part of. */
      readonly decisions: readonly Decision[];
      readonly milliseconds: number;
    }
  | {
      readonly type: 'frames';
      readonly decoded: number;
      readonly total: number;
      readonly loop: number;
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

/** Makes one video per prompt. Throws `invalid_option` before any computation, `aborted` when the signal fires. */
export async function* generate(
  pipeline: Pipeline,
  runtime: Runtime,
  asked: GenerateOptions,
): AsyncGenerator<GenerateEvent, GenerateResult> {
  checkOptionNames(asked, optionNames, 'generate()');
  const options = { ...asked, references: await referencesOf(pipeline, asked) };
  const settings = resolve(pipeline, options);
  const { geometry, prompts, conditioning, guidanceScale, loops } = settings;
  const clock = stageClock<Stage>();
  const trace = createTrace();
  for (const message of [...pipeline.warnings, ...warnings(prompts)]) trace.warn(message);
  let told = 0;
  function* news(): Generator<GenerateEvent> {
    for (; told < trace.warnings.length; told++)
      yield { type: 'warning', message: trace.warnings[told]!, milliseconds: clock.now() };
  }
  yield* news();

  const parts: Clip[][] = prompts.map(() => []);
  let latents = new Float32Array();
  let decided = 0;
  for (let loop = 0; loop < loops; loop++) {
    const enter = (stage: Stage): GenerateEvent => ({ type: 'stage', stage, loop, milliseconds: clock.enter(stage) });
    yield enter('text');
    const texts = prompts.map((prompt) => prompt.textFor(loop));
    const text = await pipeline.text.encode(
      { texts, negativePrompt: options.negativePrompt, guided: guidanceScale > 1 },
      options.signal,
    );
    for (const { states } of [text.conditional, text.unconditional ?? text.conditional])
      assertFinite(states, 'The states of the text encoder', checkCheckpoint);

    const before = loop === 0 ? undefined : parts.map((clips) => clips.at(-1)!);
    if (before || options.references.some((clips) => clips.length)) yield enter('reference');
    const start = await conditioning.next(before);
    assertFinite(start.latents, 'What the clips start from', checkCheckpoint);

    yield enter('denoise');
    const steps = denoiseFrom(pipeline, runtime, options, settings, { text, trace, ...start });
    let result = await steps.next();
    for (; !result.done; result = await steps.next()) {
      const { step, numSteps } = result.value;
      const decisions = trace.decisions.slice(decided);
      decided = trace.decisions.length;
      yield { type: 'step', step, numSteps, loop, decisions, milliseconds: clock.now() };
      yield* news();
    }
    yield* news();
    latents = result.value;

    yield enter('decode');
    const total = prompts.length * geometry.numFrames;
    let decoded = 0;
    for (const [prompt, sample] of samplesOf(latents, geometry.latent, prompts.length).entries()) {
      const clips: Clip[] = [];
      const z = runtime.tensor(sample.data, dimsOf(sample));
      for await (const clip of pipeline.pixels.decode(z, geometry.numFrames, options.signal)) {
        assertFinite(clip.data, 'What the decoder made of finite latents', checkCheckpoint);
        clips.push(clip);
        decoded += clip.frames;
        yield { type: 'frames', decoded, total, loop, milliseconds: clock.now() };
      }
      parts[prompt]!.push(concatFrames(clips));
    }
  }
  const videos = parts.map((clips) => joinLoops(clips, pipeline.pixels.overlap));
  return {
    videos,
    fps: geometry.fps,
    latents,
    geometry,
    sampler: settings.sampler.name,
    trace,
    times: { text: 0, reference: 0, denoise: 0, decode: 0, ...clock.finish() },
  };
}

interface Settings {
  readonly geometry: Geometry;
  readonly prompts: readonly PreparedPrompt[];
  readonly conditioning: Conditioning;
  readonly generator: RandomGenerator;
  readonly loops: number;
  readonly schedule: Schedule;
  readonly sampler: NamedSampler;
  readonly guidanceScale: number;
}

/** Above this, latents leave the range of any model long before the last step. */
const mostGuidance = 1000;
/** The most values of one clip, all loops together: what one array holds in every engine. */
const mostValues = 2 ** 31;

function resolve(pipeline: Pipeline, options: GenerateOptions): Settings {
  const { defaults } = pipeline;
  if (options.prompts.length === 0)
    throw new QuantCacheError('invalid_option', 'No prompt was given; give at least one.');
  const loops = options.loops ?? 1;
  if (!Number.isInteger(loops) || loops < 1) {
    throw new QuantCacheError('invalid_option', `${loops} loops were asked for; use a whole number from 1 up.`);
  }
  const guidanceScale = options.guidanceScale ?? defaults.guidanceScale;
  if (!(guidanceScale >= 0 && guidanceScale <= mostGuidance)) {
    throw new QuantCacheError(
      'invalid_option',
      `Guidance scale ${guidanceScale} is not possible; use a number from 0 to ${mostGuidance} such as ${defaults.guidanceScale}. 1 or less turns guidance off.`,
    );
  }
  const { precision } = options;
  if (precision !== undefined && !precisions.includes(precision)) {
    const message = `There is no precision "${precision}"; use one of ${precisions.join(', ')}.`;
    throw new QuantCacheError('invalid_option', message);
  }
  if (options.negativePrompt !== undefined && guidanceScale <= 1) {
    throw new QuantCacheError(
      'invalid_option',
      `A negative prompt was given with guidance ${guidanceScale}, which does not use it; ask for guidance above 1.`,
    );
  }
  const geometry = pipeline.geometry(options);
  checkLoops(loops, geometry, pipeline.pixels.overlap);
  const sampler = samplerNamed(pipeline, options.sampler);
  const generator = torchGenerator(options.seed ?? 42);
  return {
    geometry,
    prompts: options.prompts.map((prompt) => pipeline.text.prepare(prompt, options.familyOptions)),
    conditioning: pipeline.condition({
      geometry,
      prompts: options.prompts,
      references: options.references,
      options: options.familyOptions,
      randn: generator.randn,
      signal: options.signal,
    }),
    generator,
    loops,
    schedule: scheduleOf(pipeline, geometry, options.numSteps ?? defaults.numSteps, sampler),
    sampler,
    guidanceScale,
  };
}

function checkLoops(loops: number, { numFrames, height, width }: Geometry, overlap: number): void {
  if (3 * height * width * numFrames * loops > mostValues) {
    const message = `${loops} times ${numFrames} frames of ${width}x${height} are more values than one clip can hold (${mostValues}); ask for fewer loops, fewer frames or a smaller size.`;
    throw new QuantCacheError('invalid_option', message);
  }
  if (loops === 1) return;
  if (overlap === 0)
    throw new QuantCacheError('invalid_option', 'Clips of this model cannot continue each other; ask for one loop.');
  if (numFrames <= overlap)
    throw new QuantCacheError(
      'invalid_option',
      `Each loop begins with ${overlap} frames of the one before, so clips must be longer than the ${numFrames} asked for.`,
    );
}

/** What of the prompts will not have the effect that their author may expect. */
function warnings(prompts: readonly PreparedPrompt[]): string[] {
  return prompts.flatMap(({ unknownWords, removedText, unreadWords }, i) => {
    const which = prompts.length === 1 ? 'the prompt' : `prompt ${i + 1}`;
    const say = (words: readonly string[], what: (list: string) => string) =>
      words.length === 0 ? [] : [what(listed(words))];
    return [
      ...say(removedText, (list) => `Cleaning removed from ${which}: ${list}. The model will not see it.`),
      ...say(unknownWords, (list) => `The model does not know: ${list}. It will ignore or misread such words.`),
      ...say(unreadWords, (list) => `${which} is longer than the model reads; these words have no effect: ${list}.`),
    ].map((message) => message[0]!.toUpperCase() + message.slice(1));
  });
}

/** Words that a message shows of a list. */
const mostListed = 40;

function listed(words: readonly string[]): string {
  const shown = words.slice(0, mostListed).join(', ');
  return words.length > mostListed ? `${shown} and ${words.length - mostListed} more` : shown;
}

interface DenoiseStart extends Start {
  readonly text: TextConditioning;
  readonly trace: Trace;
}

async function* denoiseFrom(
  pipeline: Pipeline,
  runtime: Runtime,
  options: GenerateOptions,
  settings: Settings,
  start: DenoiseStart,
) {
  const { signal, policy, precision = 'fp32' } = options;
  const { generator } = settings;
  await using loop = await openLoop(pipeline, runtime, { ...settings, ...start, randn: generator.randn, signal });
  const latents: Tensor = yield* denoise({ ...loop.options, policy, precision, trace: start.trace });
  const data = (await runtime.read(latents)).slice();
  latents.dispose();
  return data;
}

/** The clips of a loop as one: later ones begin with the end of the one before, which is dropped. */
function joinLoops(clips: readonly Clip[], overlap: number): Clip {
  return concatFrames(clips.map((clip, loop) => (loop === 0 ? clip : sliceFrames(clip, overlap))));
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
