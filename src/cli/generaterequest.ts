/** What `quantcache generate` is asked for: by its flags, or by a clip that is to be made again. */
import type { Command } from 'commander';
import {
  type ClipRecord,
  type PreviewTime,
  parseRunOptions,
  readRecord,
  readText,
  type SavedText,
} from '../api/run.ts';
import { type Precision, QuantCacheError, type RunOptions, type SizeRequest } from '../index.ts';
import { refuseUnread } from './given.ts';
import type { ModelFlags } from './options.ts';
import { checkPrompts } from './words.ts';

/** The flags of `quantcache generate`. */
export interface GenerateFlags extends ModelFlags, SizeRequest {
  out: string;
  steps?: number;
  sampler?: string;
  negativePrompt?: string;
  guidance?: number;
  from?: string;
  fromText?: string;
  saveText?: string;
  saveLatents?: string;
  record?: string;
  resume?: boolean;
  keepAfter: number;
  memory?: number;
  seed?: string;
  loops?: number;
  image?: string;
  maskStrategy?: string;
  aestheticScore?: number;
  motionScore?: number;
  cameraMotion?: string;
  profile?: string;
  policy?: string;
  policyOption?: Record<string, unknown>;
  quality?: number;
  speedup?: number;
  cacheMemory?: number;
  precision?: Precision;
  preview?: PreviewTime | true;
  trace?: string;
  json?: boolean;
  quiet?: boolean;
}

/** A run to make. */
export interface GenerateRequest {
  readonly asked: RunOptions;
  readonly source: ClipRecord['source'];
  /** What the clip to make again says of itself. */
  readonly earlier?: ClipRecord;
  /** Prompts that were encoded before. */
  readonly encoded?: SavedText & { readonly hash: string };
}

/** Reads flags, or the file that `--from` names. Throws `invalid_option` for what excludes each other, and what reading throws. */
export async function requestOf(prompts: string[], flags: GenerateFlags, command: Command): Promise<GenerateRequest> {
  const encoded = flags.fromText === undefined ? undefined : await readText(flags.fromText);
  if (flags.from !== undefined) return { ...(await requestFrom(flags.from, prompts, flags, command)), encoded };
  if (encoded) {
    if (prompts.length > 0)
      throw new QuantCacheError(
        'invalid_option',
        `--from-text takes the prompts from ${flags.fromText}; leave out what is given.`,
      );
    const asked = parseRunOptions(askedBy([...encoded.prompts], flags));
    return { asked, source: sourceOf(flags), encoded };
  }
  if (prompts.length === 0)
    throw new QuantCacheError('invalid_option', 'No prompt is given; describe what the video is to show, in quotes.');
  checkPrompts(prompts, process.argv.slice(2));
  return { asked: parseRunOptions(askedBy(prompts, flags)), source: sourceOf(flags) };
}

/** What may be given with `--from`: where to run and to write, and where things lie now. */
const besideFrom = [
  'from',
  'fromText',
  'saveText',
  'saveLatents',
  'record',
  'resume',
  'keepAfter',
  'memory',
  'out',
  'image',
  'model',
  'vae',
  'textEncoder',
  'device',
  'threads',
  'trace',
  'preview',
  'json',
  'quiet',
];

async function requestFrom(
  file: string,
  prompts: readonly string[],
  flags: GenerateFlags,
  command: Command,
): Promise<GenerateRequest> {
  if (prompts.length > 0)
    throw new QuantCacheError('invalid_option', `--from takes the prompt from ${file}; leave out what is given.`);
  const others = command.options.map((option) => option.attributeName()).filter((name) => !besideFrom.includes(name));
  refuseUnread(command, others, `--from takes everything about the run from ${file}; leave it out`);
  const earlier = await readRecord(file);
  const { run, source } = earlier;
  if (flags.image !== undefined && run.image === undefined)
    throw new QuantCacheError('invalid_option', `${file} was made without an image; leave out --image.`);
  const device = command.getOptionValueSource('device') === 'cli' ? flags.device : source.device;
  return {
    asked: { ...run, image: flags.image ?? run.image },
    source: { ...source, device, threads: flags.threads ?? source.threads },
    earlier,
  };
}

const sourceOf = ({ model, vae, textEncoder, device, threads }: GenerateFlags): ClipRecord['source'] => ({
  model,
  vae,
  textEncoder,
  device,
  threads,
});

function askedBy(prompts: string[], flags: GenerateFlags): Record<string, unknown> {
  const { size, resolution, aspect, frames, duration, fps, seed, loops, image, profile, policy, precision } = flags;
  const { sampler, negativePrompt, aestheticScore, motionScore, cameraMotion, maskStrategy } = flags;
  const { quality, speedup, cacheMemory } = flags;
  const maskStrategies = maskStrategy === undefined ? undefined : prompts.map(() => maskStrategy);
  const family = definedOnly({ aestheticScore, motionScore, cameraMotion, maskStrategies });
  const asked = {
    ...{ prompts, size, resolution, aspect, frames, duration, fps, seed, loops, image, profile, policy, precision },
    ...{ sampler, negativePrompt },
    numSteps: flags.steps,
    guidanceScale: flags.guidance,
    familyOptions: Object.keys(family).length > 0 ? family : undefined,
    policyOptions: flags.policyOption,
    ...{ quality, speedup, cacheMemory },
  };
  return definedOnly(asked);
}

const definedOnly = (fields: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
