/**
 * A profile: the options of `quantcache` found by calibration on one model, with what they were found from. Readable,
 * versioned, bound to the model's weights; a profile of another model is refused.
 */
import * as z from 'zod';
import { parseJson } from '../../files/json.ts';
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

/** What messages say of a profile's file. */
export const profilePurpose = { what: 'a profile of this version', todo: 'Write it with "quantcache calibrate".' };

/** Reads a profile; throws `corrupt_file` with what is wrong. `file` is what messages call it. */
export function parseProfile(text: string, file: string): Profile {
  return parseJson(text, file, profileSchema, profilePurpose);
}
