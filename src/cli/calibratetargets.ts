/** Which profiles a calibration writes, and which of the candidates that were tried they hold. */
import { dirname, join } from 'node:path';
import { type Candidate, optionsOf, pick, reaches, type Target, type WrittenProfile } from '../api/calibration.ts';
import { QuantCacheError } from '../index.ts';

/** What is written where no target is given: the fastest of so many decibels, in the middle and at the worst. */
const standardTargets: Readonly<Record<string, Target>> = {
  quality: { quality: 42, worst: 35 },
  balanced: { quality: 33, worst: 27 },
  fast: { quality: 30 },
};

export interface NamedTarget {
  readonly name: string;
  readonly target: Target;
  readonly file: string;
}

/** Flags that say what to write. */
interface TargetFlags {
  readonly policy?: string;
  readonly quality?: number;
  readonly speedup?: number;
  readonly out?: string;
  readonly name?: string;
}

/** The targets that flags name. Throws `invalid_option` for two in one. */
export function targetsOf({ policy, quality, speedup, out, name }: TargetFlags): NamedTarget[] {
  if (quality !== undefined && speedup !== undefined)
    throw new QuantCacheError('invalid_option', 'Both --quality and --speedup are given; give one of them.');
  if (policy !== undefined) return [{ name: policy, target: { quality: 0 }, file: out ?? `${policy}.json` }];
  if (quality === undefined && speedup === undefined) {
    const folder = out ?? 'profiles';
    return Object.entries(standardTargets).map(([key, target]) => ({
      name: key,
      target,
      file: join(folder, `${key}.json`),
    }));
  }
  const target = quality === undefined ? { speedup: speedup! } : { quality };
  return [{ name: name!, target, file: out ?? 'profile.json' }];
}

/** A target per number of computed steps that was tried: the best way to compute so many. */
export function oneOfEach(candidates: readonly Candidate[], steps: readonly number[], targets: readonly NamedTarget[]) {
  const computed = ({ outer }: Candidate) => ('plan' in outer ? outer.plan.length : undefined);
  const atFirst = candidates.filter(({ numSteps }) => numSteps === steps[0]);
  return [...new Set(atFirst.map(computed))]
    .filter((count) => count !== undefined)
    .map((count) => ({
      name: `steps-${count}`,
      target: { speedup: 0 },
      file: fileOfEach(targets, count),
      candidates: candidates.filter((candidate) => computed(candidate) === count),
    }));
}

/** Where the best way to compute so many steps is written: beside the first profile. */
export const fileOfEach = ([first]: readonly NamedTarget[], count: number): string =>
  join(dirname(first!.file), `steps-${count}.json`);

interface ProfileRequest extends Omit<NamedTarget, 'file'> {
  readonly candidates: readonly Candidate[];
  readonly model: WrittenProfile['model'];
  /** What was calibrated on, but for the steps. */
  readonly fitted: Omit<NonNullable<WrittenProfile['fitted']>, 'steps'>;
  /** Numbers of steps that were planned for. */
  readonly steps: readonly number[];
  readonly prompts: readonly string[];
}

interface Outcome {
  /** Absent where the target is missed at the first number of steps. */
  readonly profile?: WrittenProfile;
  /** Where the target is missed, and what is reached instead. */
  readonly shortfalls: readonly string[];
}

/**
 * Precision and pruning are chosen at the first number of steps and hold for all of them; a number of steps at which they
 * miss the target is left out.
 */
export function profileOf({ candidates, name, target, model, fitted, steps, prompts }: ProfileRequest): Outcome {
  const picked: Candidate[] = [];
  const shortfalls: string[] = [];
  for (const count of steps) {
    const [chosen] = picked;
    const like = candidates.filter((one) => one.numSteps === count && (!chosen || isSameWay(one, chosen)));
    if (like.length === 0) continue;
    const best = pick(like as [Candidate, ...Candidate[]], target);
    if (reaches(best, target)) picked.push(best);
    else shortfalls.push(shortfallOf(best, target));
    if (picked.length === 0) return { shortfalls };
  }
  const figures = picked.map(({ outer: _, ...figure }) => figure);
  const profile: WrittenProfile = {
    format: 'quantcache-profile',
    version: 3,
    name,
    model,
    fitted: { ...fitted, steps: picked.map(({ numSteps }) => numSteps) },
    options: optionsOf(picked as [Candidate, ...Candidate[]]),
    measured: { target, prompts, figures },
  };
  return { profile, shortfalls };
}

/** Whether one profile can hold both: one precision, one pruning, and plans or the same leaps. */
function isSameWay(a: Candidate, b: Candidate): boolean {
  const allowedError = ({ outer }: Candidate) =>
    'leaps' in outer ? Math.round(100 * (outer.leaps.averages.decibels - outer.leaps.quality)) : undefined;
  return a.precision === b.precision && a.pruning === b.pruning && allowedError(a) === allowedError(b);
}

/** What is asked for and what there is, at one number of steps. */
function shortfallOf({ numSteps, psnr, worstPsnr, speedup }: Candidate, target: Target): string {
  const worst = 'quality' in target && target.worst !== undefined ? ` and ${target.worst} dB at the worst` : '';
  const asked = 'quality' in target ? `${target.quality} dB${worst}` : `${target.speedup}x`;
  return `of ${numSteps} steps, ${asked} is not reached; the nearest makes ${psnr.toFixed(1)} dB (worst ${worstPsnr.toFixed(1)}) at ${speedup.toFixed(2)}x`;
}
