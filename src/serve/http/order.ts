/** From the fields of a request to a job: what the model can do of it, in the model's own terms. */
import { randomInt } from 'node:crypto';
import { QuantCacheError } from '../../errors.ts';
import { parseRunOptions, type RunOptions } from '../../run/options.ts';
import type { ModelCapabilities, ProfileDescription } from '../api.ts';
import type { JobRequest } from '../job.ts';
import { type CreateFields, ignoredFields } from './fields.ts';
import { Refusal } from './refusal.ts';

export interface OrderOptions {
  /** The name by which the model was asked for. */
  readonly model: string;
  /** Its own name. */
  readonly modelName: string;
  readonly capabilities: ModelCapabilities;
  /** Takes the nearest possible size instead of refusing an impossible one. */
  readonly fitsSize: boolean;
}

/** What a request orders. Throws a refusal for what the model cannot do. */
export function orderOf(fields: CreateFields, { model, modelName, capabilities, fitsSize }: OrderOptions): JobRequest {
  const { quantcache: ours = {} } = fields;
  const warnings = ignoredFields(fields);
  const loops = ours.loops ?? 1;
  const fps = fpsOf(fields, capabilities);
  const frames = framesOf(fields, fps, capabilities);
  const wanted = { ...sizeOf(fields, capabilities), pixels: frames * loops };
  const fault = sizeFault(wanted, capabilities);
  const size = fault && fitsSize ? nearest(wanted, capabilities) : wanted;
  if (fault && (!fitsSize || sizeFault(size, capabilities))) {
    const sizes = `Sizes of this model: ${capabilities.sizes.join(', ')}.`;
    throw new Refusal(400, 'unsupported_size', `${fault} ${sizes}`, { param: 'size' });
  }
  if (fault) warnings.push(`${fault} Made in ${size.width}x${size.height} instead.`);
  const run = parsed({
    prompts: [fields.prompt],
    seed: String(fields.seed ?? randomInt(2 ** 32)),
    negativePrompt: negativePromptOf(fields, capabilities),
    numSteps: stepsOf(fields, capabilities),
    guidanceScale: guidanceOf(fields, capabilities),
    sampler: oneOf(ours.sampler, capabilities.samplers, 'sampler'),
    loops: ours.loops,
    size: `${size.height}x${size.width}`,
    frames,
    fps,
    // By name only: files that profiles may be elsewhere are not read.
    profile: oneOf(
      ours.profile,
      capabilities.profiles.map(({ name }) => name),
      'profile',
    ),
    ...aimOf(ours, capabilities.profiles),
    policy: ours.policy,
    policyOptions: ours.policy_options,
    precision: ours.precision,
  });
  return {
    model,
    modelName,
    run: run as JobRequest['run'],
    outputFormat: ours.output_format ?? 'mp4',
    trace: ours.trace ?? false,
    preview: previewOf(ours, capabilities),
    warnings,
  };
}

/** Checks what no single field says. */
function parsed(options: Record<string, unknown>): RunOptions {
  try {
    return parseRunOptions(Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)));
  } catch (error) {
    if (!(error instanceof QuantCacheError)) throw error;
    throw new Refusal(400, error.code, error.message, { param: 'quantcache' });
  }
}

interface Size {
  readonly width: number;
  readonly height: number;
  /** Frames of all loops. */
  readonly pixels: number;
}

function sizeOf({ size, width, height }: CreateFields, { sizes }: ModelCapabilities): Omit<Size, 'pixels'> {
  if ((width === undefined) !== (height === undefined))
    throw new Refusal(400, 'invalid_value', 'Give width and height, or neither.', {
      param: width ? 'height' : 'width',
    });
  if (width !== undefined && height !== undefined) return { width, height };
  const [, columns, rows] = /^(\d{1,5})x(\d{1,5})$/.exec(size ?? sizes[0]!) ?? [];
  if (columns === undefined || rows === undefined)
    throw new Refusal(400, 'unsupported_size', `Write the size as WIDTHxHEIGHT, such as ${sizes.join(' or ')}.`, {
      param: 'size',
    });
  return { width: Number(columns), height: Number(rows) };
}

/** Why a size is not possible. */
function sizeFault({ width, height, pixels }: Size, { limits }: ModelCapabilities): string | undefined {
  const { min_side, max_side, max_area, max_pixels } = limits;
  const given = `${width}x${height}`;
  if (Math.min(width, height) < min_side) return `${given} is too small: the least is ${min_side} pixels a side.`;
  if (Math.max(width, height) > max_side) return `${given} is too large: the most is ${max_side} pixels a side.`;
  if (width * height > max_area) return `${given} is too large: a frame may have ${max_area} pixels.`;
  if (width * height * pixels > max_pixels)
    return `${pixels} frames of ${given} are too many: a clip may have ${max_pixels} pixels, all frames together.`;
  return undefined;
}

/** The size to offer whose shape, then whose area, is nearest. */
function nearest({ width, height, pixels }: Size, capabilities: ModelCapabilities): Size {
  const distance = (size: Size) =>
    10 * Math.abs(Math.log((size.width * height) / (size.height * width))) +
    Math.abs(Math.log((size.width * size.height) / (width * height)));
  const possible = capabilities.sizes
    .map((text) => text.split('x').map(Number))
    .map(([columns = 0, rows = 0]): Size => ({ width: columns, height: rows, pixels }))
    .filter((size) => !sizeFault(size, capabilities));
  return possible.sort((a, b) => distance(a) - distance(b))[0] ?? { width, height, pixels };
}

function fpsOf({ fps }: CreateFields, capabilities: ModelCapabilities): number {
  const { min, max } = capabilities.fps;
  const rate = fps ?? capabilities.default_fps;
  if (rate >= min && rate <= max) return rate;
  throw new Refusal(400, 'invalid_value', `${rate} frames per second are not possible; use ${min} to ${max}.`, {
    param: 'fps',
  });
}

function framesOf({ num_frames, seconds }: CreateFields, fps: number, capabilities: ModelCapabilities): number {
  const { frame_multiple: multiple, max_frames, default_frames } = capabilities;
  const param = num_frames === undefined ? 'seconds' : 'num_frames';
  const rounded = seconds === undefined ? default_frames : Math.ceil((seconds * fps) / multiple - 1e-9) * multiple;
  const frames = num_frames ?? rounded;
  if (frames > max_frames)
    throw new Refusal(400, 'invalid_value', `${frames} frames are too many; the most is ${max_frames}.`, { param });
  if (frames > 1 && frames < multiple)
    throw new Refusal(
      400,
      'invalid_value',
      `${frames} frames are too few; use 1 (a picture) or ${multiple} and more.`,
      {
        param,
      },
    );
  return frames;
}

function stepsOf({ num_inference_steps }: CreateFields, { default_steps, limits }: ModelCapabilities): number {
  const steps = num_inference_steps ?? default_steps;
  if (steps <= limits.max_steps) return steps;
  const message = `${steps} steps are too many; the most is ${limits.max_steps}.`;
  throw new Refusal(400, 'invalid_value', message, { param: 'num_inference_steps' });
}

function guidanceOf({ guidance_scale }: CreateFields, capabilities: ModelCapabilities): number {
  const scale = guidance_scale ?? capabilities.default_guidance_scale;
  const most = capabilities.limits.max_guidance_scale;
  if (scale >= 0 && scale <= most) return scale;
  const message = `Guidance ${scale} is not possible; use 0 to ${most}. 1 or less turns it off.`;
  throw new Refusal(400, 'invalid_value', message, { param: 'guidance_scale' });
}

function negativePromptOf({ negative_prompt }: CreateFields, capabilities: ModelCapabilities): string | undefined {
  if (!negative_prompt) return undefined;
  if (capabilities.negative_prompt) return negative_prompt;
  throw new Refusal(400, 'unsupported_parameter', 'This model takes no negative prompt; leave it out.', {
    param: 'negative_prompt',
  });
}

function oneOf(value: string | undefined, allowed: readonly string[], name: string): string | undefined {
  if (value === undefined || allowed.includes(value)) return value;
  const message = `There is no ${name} ${JSON.stringify(value.slice(0, 40))}; use one of ${allowed.join(', ')}.`;
  throw new Refusal(400, 'invalid_value', message, { param: `quantcache[${name}]` });
}

type Ours = NonNullable<CreateFields['quantcache']>;

/** What leaps aim at in place of what the profile does, where what was asked for leaps. */
function aimOf(
  { quality, speedup, profile, policy, policy_options }: Ours,
  profiles: readonly ProfileDescription[],
): Pick<RunOptions, 'quality' | 'speedup'> {
  const name = speedup === undefined ? 'quality' : 'speedup';
  const refuse = (message: string) => new Refusal(400, 'unsupported_target', message, { param: `quantcache[${name}]` });
  if (quality === undefined && speedup === undefined) return {};
  if (quality !== undefined && speedup !== undefined)
    throw refuse('A run aims at a quality or at a speed-up; give one of them.');
  if (policy !== undefined && policy !== 'quantcache')
    throw refuse(`Policy ${policy} aims at none; leave out one of them.`);
  if (policy_options?.hlc === false) throw refuse('hlc=false leaves out what aims at one; leave out one of them.');
  const planned = profiles.find((one) => one.name === profile && one.target_quality === null);
  if (planned) throw refuse(`Profile ${planned.name} follows a fixed plan, which aims at none.`);
  return { quality, speedup };
}

/** When the run is shown as it goes. */
function previewOf({ preview }: Ours, { previews }: ModelCapabilities): JobRequest['preview'] {
  if (!preview) return undefined;
  if (previews) return preview === 'always' ? 'always' : 'auto';
  const message = 'This model has no previews; "quantcache calibrate --preview" makes what they need.';
  throw new Refusal(400, 'unsupported_parameter', message, { param: 'quantcache[preview]' });
}
