/** Profiles where they lie: those that come with a model in its folder `profiles`, others as files. */
import { join } from 'node:path';
import * as z from 'zod';
import { QuantCacheError } from './errors.ts';
import { findJson, saveJson } from './files/json.ts';
import { isFileName } from './files/names.ts';
import { findText } from './files/read.ts';
import { samplerNamed } from './loop.ts';
import type { Pipeline } from './pipeline.ts';
import { policyEntry } from './policies/index.ts';
import {
  type Fitted,
  fittedSchema,
  type Profile,
  parseProfile,
  type WrittenProfile,
} from './policies/quantcache/profile.ts';
import { assertSameWeights } from './weights/bound.ts';

/** The name that is looked for where nobody names one. */
export const defaultProfile = 'balanced';

/** The file that a profile's name stands for: a path to a .json file as it is, a name in the model's folder. */
function fileOf(profile: string, { folder }: Pipeline): string {
  if (profile.endsWith('.json')) return profile;
  if (isFileName(profile)) return join(folder, 'profiles', `${profile}.json`);
  throw new QuantCacheError(
    'invalid_option',
    `${JSON.stringify(profile)} is no name of a profile. Give a name such as ${defaultProfile}, or the path of a file that ends in .json.`,
  );
}

/** A profile, and what it was fitted for; `assumed` where an older file does not say and the model's defaults are taken. */
export interface FoundProfile extends Profile {
  readonly fitted: Fitted;
  readonly assumed: boolean;
}

/**
 * The profile of a name or file. Throws `model_not_found` where there is none, `corrupt_file`, and `weights_mismatch` for
 * a profile of other weights.
 */
export async function loadProfile(profile: string, pipeline: Pipeline): Promise<FoundProfile> {
  const file = fileOf(profile, pipeline);
  const text = await findText(file);
  if (text === undefined) {
    const message = `There is no profile ${file}. Write one with "quantcache calibrate", or choose a policy instead.`;
    throw new QuantCacheError('model_not_found', message);
  }
  const parsed = parseProfile(text, file);
  assertSameWeights(`The profile "${parsed.name}"`, parsed.model, {
    name: pipeline.model,
    hash: await pipeline.hash(),
  });
  const { fitted } = parsed;
  return { ...parsed, fitted: fitted ?? assumedSetting(parsed, pipeline), assumed: fitted === undefined };
}

/** The model's defaults, at the steps that there are plans for. */
function assumedSetting({ numSteps, options: { hlc } }: Profile, pipeline: Pipeline): Fitted {
  const { defaults } = pipeline;
  const { height, width, numFrames: frames, fps, guidanceScale } = defaults;
  const planned = Object.keys(hlc ? hlc.plans : {}).map(Number);
  const steps = planned.length > 0 ? planned : [numSteps ?? defaults.numSteps];
  return {
    height,
    width,
    frames,
    fps,
    guidanceScale,
    sampler: samplerNamed(pipeline).name,
    conditioning: 'text',
    steps,
  };
}

/** The model's default profile, or why the one that it has is of no use; undefined for a model that comes without. */
export async function findDefaultProfile(
  pipeline: Pipeline,
): Promise<FoundProfile | { readonly unusable: string } | undefined> {
  try {
    return await loadProfile(defaultProfile, pipeline);
  } catch (error) {
    if (!(error instanceof QuantCacheError)) throw error;
    if (error.code === 'model_not_found') return undefined;
    if (error.code === 'weights_mismatch') return { unusable: error.message };
    throw error;
  }
}

/** Options of a policy that hold for one model, and what they were fitted for, where that is known. */
export interface FittedOptions {
  readonly options: Readonly<Record<string, unknown>>;
  readonly fitted?: Fitted;
}

/**
 * Options that a policy was fitted to a model with (`quantcache calibrate --policy`), from the model's folder of profiles;
 * else those published for the model, if any. Throws `corrupt_file`, and `weights_mismatch` for options of other weights.
 */
export async function fittedOptions(policy: string, pipeline: Pipeline): Promise<FittedOptions> {
  const published = { options: pipeline.publishedOptions(policy) };
  if (!policyEntry(policy).fit) return published;
  const file = join(pipeline.folder, 'profiles', `${policy}.json`);
  const found = await findJson(file, fittedOptionsSchema, {
    what: 'a file of fitted options',
    todo: `Write it with "quantcache calibrate --policy ${policy}".`,
  });
  if (!found) return published;
  assertSameWeights(file, found.model, { name: pipeline.model, hash: await pipeline.hash() });
  return found;
}

const fittedOptionsSchema = z.strictObject({
  format: z.literal('quantcache-fitted'),
  version: z.literal(1),
  /** Of the policy. */
  name: z.string(),
  model: z.strictObject({ name: z.string(), hash: z.string() }),
  /** Files of earlier versions do not say it. */
  fitted: fittedSchema.optional(),
  options: z.record(z.string(), z.unknown()),
});

/** Writes fitted options, whole or not at all. */
export async function saveFitted(
  file: string,
  fitted: Omit<z.input<typeof fittedOptionsSchema>, 'format' | 'version'>,
): Promise<void> {
  await saveJson(file, { format: 'quantcache-fitted', version: 1, ...fitted }, 1);
}

/** Writes a profile, whole or not at all. */
export async function saveProfile(file: string, profile: WrittenProfile): Promise<void> {
  await saveJson(file, profile, 1);
}
