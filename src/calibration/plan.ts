/**
 * The best plans under a budget: which steps to compute, so that the leaps between them (`policies/quantcache/leaps.ts`)
 * come closest to a full run.
 *
 *     e(s, t, H) = min over a, w of  | z(t) - a z(s) - sum over h in H, p of w(h, p) v(h, p) |
 *     cost of a plan = sum over its leaps of e
 *
 * z(s) = latents before step s of a full run, v(h, p) = its velocities, H = the last steps computed up to s. The weights
 * are drawn to those of the plain Euler step over the whole gap. All of it follows from the inner products of `record.ts`,
 * summed over prompts. As e depends on several computed steps and not on the last alone, the programme's states are
 * histories; of those that end at the same step and have computed as many, the best few are followed (a beam), which the
 * exact programme of `policies/schedule.ts` is the special case of. Our definition, after CEM (arXiv 2512.23258) and
 * LeMiCa (2511.00090).
 */
import { QuantCacheError } from '../errors.ts';
import { fitWeights } from '../policies/quantcache/leaping/solve.ts';
import { type LeapPlan, shareOfWay } from '../policies/quantcache/leaps.ts';
import { vectorIndex } from './record.ts';

/** What leaps are searched in. */
export interface LeapSpace {
  /** Inner products of `record.ts`, summed over prompts. */
  readonly gram: readonly (readonly number[])[];
  /** Timesteps in [0, 1000], falling, one per step. */
  readonly timesteps: readonly number[];
  /** 1 or less is no guidance. */
  readonly guidanceScale: number;
}

export interface PlanRequest extends LeapSpace {
  /** Number of steps to compute. */
  readonly budget: number;
  /** Histories followed per last step. Default 12. */
  readonly beam?: number;
}

/** The most outputs that a leap is made of. */
export const longestHistory = 3;

interface Candidate {
  readonly computed: readonly number[];
  readonly cost: number;
}

/** The steps to compute, of the best plan. Throws `invalid_option` for a budget that is no number of steps. */
export function bestSteps({ budget, beam = 12, ...space }: PlanRequest): number[] {
  const numSteps = space.timesteps.length;
  if (!Number.isInteger(budget) || budget < 1 || budget > numSteps) {
    const message = `A budget of ${budget} computed steps was asked for; use a whole number from 1 to ${numSteps}.`;
    throw new QuantCacheError('invalid_option', message);
  }
  const leap = errorsOf(space);
  let layer: Candidate[] = [{ computed: [0], cost: 0 }];
  for (let count = 1; count < budget; count++) {
    const byLast = new Map<number, Candidate[]>();
    for (const { computed, cost } of layer) {
      for (let next = computed.at(-1)! + 1; next < numSteps; next++) {
        const list = byLast.get(next) ?? [];
        byLast.set(next, list);
        list.push({ computed: [...computed, next], cost: cost + leap(computed, next) });
      }
    }
    layer = [...byLast.values()].flatMap((list) => list.sort((a, b) => a.cost - b.cost).slice(0, beam));
  }
  const finished = layer.map(({ computed, cost }) => ({ computed, cost: cost + leap(computed, numSteps) }));
  return [...finished.reduce((best, one) => (one.cost < best.cost ? one : best)).computed];
}

/** The error of the leap to a step from the computed ones before it; none to the next step, which is taken as usual. */
function errorsOf({ gram, timesteps, guidanceScale }: LeapSpace) {
  const parts = partsOf(guidanceScale);
  const index = vectorIndex(timesteps.length, parts);
  const product = (a: number, b: number) => (a > b ? gram[a]![b]! : gram[b]![a]!);
  const known = new Map<string, number>();
  return (computed: readonly number[], to: number): number => {
    const from = computed.at(-1)!;
    if (to === from + 1) return 0;
    const used = computed.slice(-longestHistory).reverse();
    const key = `${used} ${to}`;
    const seen = known.get(key);
    if (seen !== undefined) return seen;
    const velocities = used.flatMap((step) => Array.from({ length: parts }, (_, part) => index.velocity(step, part)));
    const vectors = [index.latents(from), ...velocities];
    const target = index.latents(to);
    const start = eulerWeights(timesteps, { from, to, guidanceScale, count: used.length });
    const weights = fitWeights({
      products: vectors.map((a) => vectors.map((b) => product(a, b))),
      targets: vectors.map((a) => product(a, target)),
      start,
    });
    const explained = vectors.reduce((sum, a, i) => sum + weights[i]! * product(a, target), 0);
    const own = vectors.reduce(
      (sum, a, i) => sum + vectors.reduce((row, b, j) => row + weights[i]! * weights[j]! * product(a, b), 0),
      0,
    );
    const error = Math.sqrt(Math.max(0, product(target, target) - 2 * explained + own));
    known.set(key, error);
    return error;
  };
}

/** How many parts a batch has: a conditional and an unconditional one with guidance, else one. */
export const partsOf = (guidanceScale: number): number => (guidanceScale > 1 ? 2 : 1);

/** Weights of latents and velocities, the latest first, that make the Euler step over the whole gap. */
export function eulerWeights(
  timesteps: readonly number[],
  leap: { readonly from: number; readonly to: number; readonly guidanceScale: number; readonly count: number },
): number[] {
  const { from, to, guidanceScale, count } = leap;
  const share = shareOfWay(timesteps, from, to);
  const latest = guidanceScale > 1 ? [guidanceScale * share, (1 - guidanceScale) * share] : [share];
  return [1, ...latest, ...Array<number>((count - 1) * latest.length).fill(0)];
}

/** A leap's weights as a plan has them: those of velocities by the share of the way that the leap is. */
export function entryOf(
  step: number,
  weights: readonly number[],
  { parts, share }: { readonly parts: number; readonly share: number },
): LeapPlan[number] {
  const latents = weights[0];
  const others = weights.slice(1).map((weight) => weight / share);
  const outputs = Array.from({ length: others.length / parts }, (_, i) => others.slice(i * parts, (i + 1) * parts));
  return { step, latents: latents!, outputs };
}
