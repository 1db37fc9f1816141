/**
 * The cheapest way to the end: which steps to compute, so that the errors of the leaps between them stay within a budget.
 * What a leap errs by depends on the last two computed steps, so the programme's states are pairs of them; it goes through
 * them once for each number of steps still to be computed, and takes the smallest that suffices.
 */

export interface PathRequest {
  readonly numSteps: number;
  /** The computed steps so far, the latest first. */
  readonly history: readonly number[];
  /** The most steps that a leap may stand for. */
  readonly longest: number;
  /** The most that the errors of all leaps to come may add up to. */
  readonly budget: number;
  /** What a leap from the latest of some computed steps to a later step adds to the error of the result. */
  error(history: readonly number[], to: number): number;
}

export interface Path {
  /** The step to compute next; the number of steps where none is left to compute. */
  readonly next: number;
  /** Steps still to be computed, that one included. */
  readonly evaluations: number;
  readonly error: number;
}

/** The path of fewest evaluations within the budget; where none is, every step is computed. */
export function cheapestPath({ numSteps, history, longest, budget, error }: PathRequest): Path {
  const latest = history[0]!;
  const known = new Map<string, Path>();
  const best = (before: number | undefined, at: number, evaluations: number): Path => {
    const key = `${before} ${at} ${evaluations}`;
    const found = known.get(key);
    if (found) return found;
    const computed = before === undefined ? [at] : [at, before];
    let path: Path = { next: numSteps, evaluations, error: Number.POSITIVE_INFINITY };
    if (evaluations === 0) {
      if (numSteps - at <= longest) path = { ...path, error: error(computed, numSteps) };
    } else {
      for (let next = at + 1; next <= Math.min(at + longest, numSteps - evaluations); next++) {
        const own = error(computed, next);
        if (own >= path.error) continue;
        const total = own + best(at, next, evaluations - 1).error;
        if (total < path.error) path = { next, evaluations, error: total };
      }
    }
    known.set(key, path);
    return path;
  };
  const all = numSteps - latest - 1;
  for (let evaluations = 0; evaluations < all; evaluations++) {
    const path = best(history[1], latest, evaluations);
    if (path.error <= budget) return path;
  }
  return { next: latest + 1, evaluations: all, error: 0 };
}
