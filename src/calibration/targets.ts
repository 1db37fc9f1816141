/** What a profile is to reach, and which of the candidates that were tried reaches it best. */
import type { Candidate } from './candidate.ts';

/** The least quality in decibels, of the median clip and perhaps of the worst one, or the least speed-up of a whole clip. */
export type Target = { readonly quality: number; readonly worst?: number } | { readonly speedup: number };

/** Whether a candidate is as good and as fast as it is to be. */
export const reaches = ({ psnr, worstPsnr, speedup }: Candidate, target: Target): boolean =>
  'quality' in target
    ? psnr >= target.quality && worstPsnr >= (target.worst ?? Number.NEGATIVE_INFINITY)
    : speedup >= target.speedup;

/**
 * At one number of steps: the fastest candidate of enough quality, or the best of enough speed. Where none is (`reaches`), the
 * one that comes closest.
 */
export function pick(candidates: readonly [Candidate, ...Candidate[]], target: Target): Candidate {
  const [wanted, served] = 'quality' in target ? (['psnr', 'speedup'] as const) : (['speedup', 'psnr'] as const);
  const best = (list: readonly Candidate[], by: 'psnr' | 'speedup') =>
    list.reduce((a, b) => (b[by] > a[by] ? b : a), list[0]!);
  const enough = candidates.filter((candidate) => reaches(candidate, target));
  return enough.length > 0 ? best(enough, served) : best(candidates, wanted);
}
