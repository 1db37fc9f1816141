/** Options that only Open-Sora understands: the scores that its captions were completed with, and mask strategies. */
import * as z from 'zod';
import { QuantCacheError } from '../../errors.ts';
import type { FamilyOptions } from '../../pipeline.ts';
import { issuesOf } from '../../refusals.ts';

const optionsSchema = z.strictObject({
  /** Beauty, about 4 to 7; null leaves it out. */
  aestheticScore: z.number().nullish(),
  /** Amount of motion, about 0 to 20. */
  motionScore: z.number().nullish(),
  /** For example `pan left` or `zoom in`. */
  cameraMotion: z.string().nullish(),
  /** How references are used, one per prompt, in the notation of `mask.ts`. */
  maskStrategies: z.array(z.string()).readonly().optional(),
});

export type OpenSoraOptions = z.output<typeof optionsSchema>;

/** What a prompt is completed with. */
export type PromptOptions = Omit<OpenSoraOptions, 'maskStrategies'>;

/** Checks options; throws `invalid_option` that says what is allowed. */
export function readOpenSoraOptions(given: FamilyOptions = {}): OpenSoraOptions {
  const result = optionsSchema.safeParse(given);
  if (result.success) return result.data;
  const allowed = Object.keys(optionsSchema.shape);
  throw new QuantCacheError(
    'invalid_option',
    `Open-Sora refuses these options. ${issuesOf(result.error, 'options', allowed)}. Allowed: ${allowed.join(', ')}.`,
  );
}
