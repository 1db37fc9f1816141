/** What a generation is asked for, checked before anything is computed. */
import type { Clip } from './clip.ts';
import { QuantCacheError } from './errors.ts';
import { type NamedSampler, samplerNamed, scheduleOf } from './loop.ts';
import { type Geometry, type Precision, precisions, type TextConditioning } from './model.ts';
import type { OptionNames } from './options.ts';
import {
  type Conditioning,
  type FamilyOptions,
  type Pipeline,
  type PreparedPrompt,
  type SizeRequest,
  sizeNames,
} from './pipeline.ts';
import type { Policy } from './policy.ts';
import type { Schedule } from './sampler.ts';
import { defaultSeed, type RandomGenerator, torchGenerator } from './samplers/random.ts';
import type { RunState } from './state.ts';

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
  /** Where pictures lie that prompts name, by what they are called there. Default: where the name says. */
  readonly pictures?: ReadonlyMap<string, string>;
  /** What only this family of models understands, such as a score that its captions were completed with. */
  readonly familyOptions?: FamilyOptions;
  readonly policy: Policy;
  /** The precision where the policy names none. Default fp32. */
  readonly precision?: Precision;
  /** What the prompts were encoded to before, for each loop: the text encoder is not asked then. */
  readonly text?: readonly TextConditioning[];
  /**
   * What the run remembers. Save it on a `step` event that says `canSave`; a run with the same options that is given what was
   * saved goes on from there, to the same numbers.
   */
  readonly state?: RunState;
  readonly signal?: AbortSignal;
}

export const generateNames: OptionNames<GenerateOptions> = {
  prompts: true,
  negativePrompt: true,
  ...sizeNames,
  numSteps: true,
  sampler: true,
  guidanceScale: true,
  seed: true,
  loops: true,
  references: true,
  pictures: true,
  familyOptions: true,
  policy: true,
  precision: true,
  text: true,
  state: true,
  signal: true,
};

/** Options with everything decided. */
export interface Settings {
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

/** Decides everything. Throws `invalid_option` for what is not possible. */
export function settle(
  pipeline: Pipeline,
  options: GenerateOptions & { readonly references: readonly (readonly Clip[])[]; readonly state: RunState },
): Settings {
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
  checkText(options.text, { prompts: options.prompts.length, loops, guided: guidanceScale > 1 });
  const generator = torchGenerator(options.seed ?? defaultSeed, options.state);
  return {
    geometry,
    prompts: options.prompts.map((prompt) => pipeline.text.prepare(prompt, options.familyOptions)),
    conditioning: pipeline.condition({
      geometry,
      prompts: options.prompts,
      references: options.references,
      options: options.familyOptions,
      randn: generator.randn,
      state: options.state.part('conditioning'),
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

/** Throws unless encoded prompts are those of the run: as many, for as many loops, with what guidance steers away from. */
function checkText(
  text: GenerateOptions['text'],
  { prompts, loops, guided }: { readonly prompts: number; readonly loops: number; readonly guided: boolean },
): void {
  if (!text) return;
  const refuse = (reason: string) =>
    new QuantCacheError('invalid_option', `The encoded prompts do not fit this run: ${reason}. Encode them for it.`);
  if (text.length !== loops) throw refuse(`they are for ${text.length} loops, not ${loops}`);
  for (const { conditional, unconditional } of text) {
    if (conditional.dims[0] !== prompts) throw refuse(`they are ${conditional.dims[0]} prompts, not ${prompts}`);
    if (guided && !unconditional) throw refuse('they were encoded without guidance, and the run has it');
    if (!guided && unconditional) throw refuse('they were encoded with guidance, and the run has none');
  }
}

/** What of the prompts will not have the effect that their author may expect. */
export function promptWarnings(prompts: readonly PreparedPrompt[]): string[] {
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
