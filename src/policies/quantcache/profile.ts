/**
 * A profile: the options of `quantcache` found by calibration on one model, with what they were found from. Readable,
 * versioned, bound to the model's weights; a profile of another model is refused.
 */
import * as z from 'zod';
import { QuantCacheError } from '../../errors.ts';
import { quantcacheOptions } from './index.ts';

const profileSchema = z.strictObject({
  format: z.literal('quantcache-profile'),
  version: z.literal(2),
  /** Such as `balanced`. */
  name: z.string().min(1),
  model: z.strictObject({
    /** Where it came from, for people. */
    name: z.string(),
    /** Hash of the transformer's weights. */
    hash: z.string().min(1),
  }),
  /** What it was calibrated with; other step counts run, scaled by the policies themselves. */
  numSteps: z.int().positive(),
  options: quantcacheOptions,
  /** What calibration measured and predicted, by name; for people and reports. */
  measured: z.record(z.string(), z.unknown()).default({}),
});

export type Profile = z.output<typeof profileSchema>;
/** A profile as it is written: options that are not there have their defaults. */
export type WrittenProfile = z.input<typeof profileSchema>;

/** Reads a profile; throws `corrupt_file` with what is wrong. `file` is what messages call it. */
export function parseProfile(text: string, file: string): Profile {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new QuantCacheError('corrupt_file', `${file} is not JSON; write it with "quantcache calibrate".`, {
      cause: error,
    });
  }
  const result = profileSchema.safeParse(parsed);
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ');
  throw new QuantCacheError(
    'corrupt_file',
    `${file} is not a profile of this version. ${problems}. Write it anew with "quantcache calibrate".`,
  );
}
