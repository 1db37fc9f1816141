/**
 * What a run aims at in place of what its profile aims at: a quality, or a speed-up, which calibration's figures turn into a
 * number of evaluations. Either needs leaps that follow the clip.
 */
import * as z from 'zod';
import { QuantCacheError } from '../errors.ts';
import { fewestEvaluations } from '../policies/quantcache/leaping/control.ts';
import type { FoundProfile } from '../profiles.ts';
import type { RunOptions } from './options.ts';

/** Who aims: a policy with its options, and the profile that they are from. */
export interface Aiming {
  readonly policy: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly profile?: FoundProfile;
}

/** The options with what is asked for to aim at. Throws `invalid_option` where nothing aims at it, or it cannot be had. */
export function aimed(
  { policy, options, profile }: Aiming,
  { quality, speedup }: Pick<RunOptions, 'quality' | 'speedup'>,
  numSteps: number,
): Aiming['options'] {
  if (quality === undefined && speedup === undefined) return options;
  const asked = quality === undefined ? `A speed-up of ${speedup}` : `A quality of ${quality} dB`;
  const refuse = (why: string): never => {
    throw new QuantCacheError('invalid_option', `${asked} was asked for, but ${why}.`);
  };
  const { hlc = {} } = options as { hlc?: false | { plans?: object; leaps?: false | object } };
  if (policy !== 'quantcache') refuse(`policy "${policy}" aims at none; leave out one of them`);
  if (hlc === false) return refuse('hlc=false leaves out what aims at one; leave out one of them');
  if (Object.keys(hlc.plans ?? {}).length > 0)
    refuse(`profile "${profile?.name}" follows a fixed plan; choose another profile, or policy quantcache`);
  const aim = quality === undefined ? { evaluations: evaluationsFor(speedup!) } : { quality };
  return { ...options, hlc: { ...hlc, leaps: { ...(hlc.leaps || {}), ...aim } } };

  function evaluationsFor(speedup: number): number {
    const prices = pricesOf(profile, numSteps);
    if (!prices) return refuse('no profile says what a run costs; write one with "quantcache calibrate"');
    const { evaluation, rest } = prices;
    const count = Math.floor((1 / speedup - rest) / evaluation);
    const most = 1 / (rest + fewestEvaluations * evaluation);
    if (count < fewestEvaluations) refuse(`by what calibration measured it can be ${most.toFixed(1)} at most`);
    return Math.min(count, numSteps);
  }
}

/** What profiles know of the price of a run. */
const figuresSchema = z.looseObject({
  figures: z.tuple(
    [
      z.looseObject({
        numSteps: z.int().positive(),
        computed: z.number().positive(),
        speedup: z.number().positive(),
        denoiseSpeedup: z.number().positive(),
      }),
    ],
    z.unknown(),
  ),
});

/**
 * The prices of an evaluation and of all that is not denoising, as shares of a clip by full computation in fp32:
 * text and decoding are the same in both, and what is left of denoising is evaluations.
 */
function pricesOf(profile: FoundProfile | undefined, numSteps: number) {
  const found = figuresSchema.safeParse(profile?.measured);
  if (!found.success) return undefined;
  const [figures] = found.data.figures;
  // With d = denoising, o = other times of the full clip:  speedup = (d + o) / (d / denoiseSpeedup + o)
  const other = (1 - figures.speedup / figures.denoiseSpeedup) / (figures.speedup - 1); // o / d there
  const here = (Math.max(0, other) * figures.numSteps) / numSteps; // denoising takes as much longer as there are steps
  const perStep = figures.numSteps / (figures.denoiseSpeedup * figures.computed);
  return { evaluation: perStep / numSteps / (1 + here), rest: here / (1 + here) };
}
