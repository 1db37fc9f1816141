/** What a profile is to reach, and which of the candidates that were tried reaches it best. */
import type { Candidate } from './candidate.ts';

/** The least quality in decibels, of the median clip and perhaps of the worst one, or the least speed-up of a whole clip. */
export type Target = { readonly quality: number; readonly worst?: number } | { readonly speedup: number };

/**
 * At one number of steps: the fastest candidate of enough quality, or the best of enough speed. Where none is, the one that
 * comes closest; whether the target is reached shows in the candidate's own figures.
 */
export function pick(candidates: readonly [Candidate, ...Candidate[]], target: Target): Candidate {
  const [wanted, served, least] =
    'quality' in target
      ? (['psnr', 'speedup', target.quality] as const)
      : (['speedup', 'psnr', target.speedup] as const);
  const best = (list: readonly Candidate[], by: 'psnr' | 'speedup') =>
    list.reduce((a, b) => (b[by] > a[by] ? b : a), list[0]!);
  const worst = 'quality' in target ? (target.worst ?? 0) : 0;
  const enough = candidates.filter((candidate) => candidate[wanted] >= least && candidate.worstPsnr >= worst);
  return enough.length > 0 ? best(enough, served) : best(candidates, wanted);
}
