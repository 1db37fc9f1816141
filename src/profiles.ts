/** Profiles where they lie: those that come with a model in its folder `profiles`, others as files. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, QuantCacheError } from './errors.ts';
import type { Pipeline } from './pipeline.ts';
import { quantcache } from './policies/quantcache/index.ts';
import { checkProfile, type Profile, parseProfile, type WrittenProfile } from './policies/quantcache/profile.ts';
import type { Policy } from './policy.ts';
import { systemCode, writeWhole } from './weights/files.ts';

/** The name that is looked for where nobody names one. */
export const defaultProfile = 'balanced';

/** The file that a profile's name stands for: a path to a .json file as it is, a name in the model's folder. */
const fileOf = (profile: string, { folder }: Pipeline): string =>
  profile.endsWith('.json') ? profile : join(folder, 'profiles', `${profile}.json`);

/**
 * The profile of a name or file. Throws `model_not_found` where there is none, `corrupt_file`, and `weights_mismatch` for
 * a profile of other weights.
 */
export async function loadProfile(profile: string, pipeline: Pipeline): Promise<Profile> {
  const file = fileOf(profile, pipeline);
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    const missing = systemCode(error) === 'ENOENT';
    const message = missing
      ? `There is no profile ${file}. Write one with "quantcache calibrate", or choose a policy instead.`
      : `Cannot read ${file}: ${messageOf(error)}.`;
    throw new QuantCacheError(missing ? 'model_not_found' : 'io', message, { cause: error });
  });
  const parsed = parseProfile(text, file);
  checkProfile(parsed, { name: pipeline.model, hash: await pipeline.hash() });
  return parsed;
}

/** The policy of a profile. */
export const profilePolicy = ({ options }: Profile): Policy => quantcache(options);

/** The model's default profile; undefined for a model that comes without. */
export async function findDefaultProfile(pipeline: Pipeline): Promise<Profile | undefined> {
  try {
    return await loadProfile(defaultProfile, pipeline);
  } catch (error) {
    if (error instanceof QuantCacheError && error.code === 'model_not_found') return undefined;
    throw error;
  }
}

/** Writes a profile, whole or not at all. */
export async function saveProfile(file: string, profile: WrittenProfile): Promise<void> {
  await writeWhole(file, async (handle) => void (await handle.writeFile(`${JSON.stringify(profile, null, 1)}\n`)));
}
