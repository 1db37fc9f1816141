/**
 * The cheapest way to the end: which steps to compute, so that the errors of the leaps between them stay within a budget. A programme
 * over the last computed step, once for each number of steps still to be computed; the smallest that suffices is taken, or
 * the largest that is allowed.
 */

export interface PathRequest {
  readonly numSteps: number;
  /** The last computed step. */
  readonly from: number;
  /** The most steps that a leap may stand for. */
  readonly longest: number;
  /** The most that the errors to come may add up to. */
  readonly budget: number;
  /** The most steps still to be computed after `from`, whatever the errors are. Default: all. */
  readonly most?: number;
  /** What a leap from a computed step to a later one adds to the error of the result. */
  error(from: number, to: number): number;
}

export interface Path {
  /** The step to compute next; the number of steps where none is left to compute. */
  readonly next: number;
  readonly error: number;
}

/** Paths of long runs are looked for on so many steps, evenly apart. */
const mostNodes = 100;

/** The path of fewest computed steps within the budget; where none is, the best of as many as may be. */
export function cheapestPath({ numSteps, from, longest, budget, most = numSteps, error }: PathRequest): Path {
  const stride = Math.ceil((numSteps - from) / mostNodes);
  const nodes = Array.from({ length: Math.ceil((numSteps - from) / stride) }, (_, i) => from + i * stride);
  const leaps = nodes.map((node, i) =>
    nodes
      .slice(i + 1)
      .filter((next) => next - node <= longest)
      .map((next) => error(node, next)),
  );
  /** The best path from each node on, with as many computed steps after it as the programme has gone through. */
  let paths = nodes.map(
    (node): Path => ({
      next: numSteps,
      error: numSteps - node <= longest ? error(node, numSteps) : Number.POSITIVE_INFINITY,
    }),
  );
  for (const computed of nodes.keys()) {
    const [path] = paths;
    if (path!.error <= budget || computed >= most) return path!;
    paths = leaps.map((errors, i) => {
      let best: Path = { next: numSteps, error: Number.POSITIVE_INFINITY };
      for (const [j, own] of errors.entries()) {
        const total = own + paths[i + 1 + j]!.error;
        if (total < best.error) best = { next: nodes[i + 1 + j]!, error: total };
      }
      return best;
    });
  }
  return { next: from + 1, error: 0 };
}
