/** Frames that are given and stay as they are, for samplers that remember earlier steps. */
import { QuantCacheError } from '../errors.ts';
import type { LatentMask } from '../sampler.ts';

/**
 * What is denoised, the same at every step. Throws `invalid_option` for frames between given and free, which begin late and
 * have no earlier steps to go by.
 */
export function fixedFrames(sampler: string, mask: LatentMask | undefined): boolean[][] | undefined {
  const between = mask?.flat().find((value) => value !== 0 && value !== 1);
  if (between === undefined) return mask?.map((row) => row.map((value) => value === 1));
  throw new QuantCacheError(
    'invalid_option',
    `Sampler "${sampler}" keeps or generates frames, but one is to be edited by ${between}; use the sampler euler, or 0 or 1.`,
  );
}
