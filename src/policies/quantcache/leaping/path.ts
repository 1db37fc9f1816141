/**
 * The cheapest way to the end: which steps to compute, so that the errors of the leaps between them stay within a budget. A programme
 * over the last computed step, once for each number of steps still to be computed; the smallest that suffices is taken.
 */

export interface PathRequest {
  readonly numSteps: number;
  /** The last computed step. */
  readonly from: number;
  /** The most steps that a leap may stand for. */
  readonly longest: number;
  /** The most that the errors to come may add up to. */
  readonly budget: number;
  /** What a leap from a computed step to a later one adds to the error of the result. */
  error(from: number, to: number): number;
}

export interface Path {
  /** The step to compute next; the number of steps where none is left to compute. */
  readonly next: number;
  readonly error: number;
}

/** The path of fewest computed steps within the budget; where none is, every step is computed. */
export function cheapestPath({ numSteps, from, longest, budget, error }: PathRequest): Path {
  const reaches = (step: number) => numSteps - step <= longest;
  /** The best path from each step on, with as many computed steps after it as the programme has gone through. */
  let paths = new Map<number, Path>();
  for (let step = from; step < numSteps; step++)
    paths.set(step, { next: numSteps, error: reaches(step) ? error(step, numSteps) : Number.POSITIVE_INFINITY });
  for (let computed = 0; computed < numSteps - from; computed++) {
    const path = paths.get(from);
    if (path && path.error <= budget) return path;
    const longer = new Map<number, Path>();
    for (const step of paths.keys()) {
      let best: Path | undefined;
      for (let next = step + 1; next <= Math.min(step + longest, numSteps - 1); next++) {
        const total = error(step, next) + (paths.get(next)?.error ?? Number.POSITIVE_INFINITY);
        if (!best || total < best.error) best = { next, error: total };
      }
      if (best) longer.set(step, best);
    }
    paths = longer;
  }
  return { next: from + 1, error: 0 };
}
