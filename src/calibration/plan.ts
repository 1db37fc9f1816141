/**
 * The best plan under a budget: which steps to compute, and how the others follow from those.
 *
 *     e(s, H) = min over w of | e(s, s) - sum over h in H of w_h e(s, h) |      H = the last steps computed before s
 *     cost of a plan = sum over the steps not computed of e(s, H(s))
 *
 * w and e(s, H) follow from the Gram matrices of `effects.ts` by the normal equations. Since e depends on several computed
 * steps and not on the last alone, the programme's states are histories; of those that end at the same step and have
 * computed as many, the best few are followed (a beam), which the exact programme of `policies/schedule.ts` is the
 * special case of for histories of one. Our definition, after CEM (arXiv 2512.23258) and LeMiCa (2511.00090).
 */
import { QuantCacheError } from '../errors.ts';

/** `grams[s][i][j]` for i, j <= s, summed over prompts. */
export type Grams = readonly (readonly (readonly number[])[])[];

/** For every step no weights if it is computed, else those of the last computed residuals, the latest first. */
export type Plan = readonly (readonly number[])[];

export interface PlanRequest {
  readonly grams: Grams;
  /** Number of steps to compute. */
  readonly budget: number;
  /** The most residuals that a prediction is made of. Default 3. */
  readonly history?: number;
  /** Histories followed per last step. Default 12. */
  readonly beam?: number;
}

export interface PlannedRun {
  readonly plan: Plan;
  /** The steps computed, in order. */
  readonly computed: readonly number[];
  /** Sum of the errors of the others, in the unit of the latents (Euclidean norm). */
  readonly cost: number;
}

/** A small ridge keeps weights bounded where residuals are nearly parallel. */
const ridge = 1e-4;

interface Candidate {
  readonly computed: readonly number[];
  readonly cost: number;
}

/** Throws `invalid_option` for a budget that is no number of steps. */
export function bestPlan({ grams, budget, history = 3, beam = 12 }: PlanRequest): PlannedRun {
  const numSteps = grams.length;
  if (!Number.isInteger(budget) || budget < 1 || budget > numSteps) {
    const message = `A budget of ${budget} computed steps was asked for; use a whole number from 1 to ${numSteps}.`;
    throw new QuantCacheError('invalid_option', message);
  }
  const lasting = costsOf(grams, history);
  let layer: Candidate[] = [{ computed: [0], cost: 0 }];
  for (let count = 1; count < budget; count++) {
    const byLast = new Map<number, Candidate[]>();
    for (const { computed, cost } of layer) {
      const costs = lasting(computed);
      const last = computed.at(-1)!;
      for (let next = last + 1; next < numSteps; next++) {
        const list = byLast.get(next) ?? [];
        byLast.set(next, list);
        list.push({ computed: [...computed, next], cost: cost + costs[next - last - 1]! });
      }
    }
    layer = [...byLast.values()].flatMap((list) => list.sort((a, b) => a.cost - b.cost).slice(0, beam));
  }
  const finished = layer
    .map(({ computed, cost }) => ({ computed, cost: cost + lasting(computed)[numSteps - 1 - computed.at(-1)!]! }))
    .sort((a, b) => a.cost - b.cost);
  const { computed, cost } = finished[0]!;
  return { computed, cost, plan: weightsOf(grams, computed, history) };
}

/** By history: `[n]` is the summed error of the n steps after its last, none of them computed. */
function costsOf(grams: Grams, history: number): (computed: readonly number[]) => readonly number[] {
  const known = new Map<string, number[]>();
  return (computed) => {
    const used = computed.slice(-history);
    const key = used.join(' ');
    let costs = known.get(key);
    if (!costs) {
      costs = [0];
      for (let step = used.at(-1)! + 1; step < grams.length; step++)
        costs.push(costs.at(-1)! + projection(grams[step]!, [...used].reverse()).error);
      known.set(key, costs);
    }
    return costs;
  };
}

/** The plan that computes these steps. */
export function weightsOf(grams: Grams, computed: readonly number[], history: number): Plan {
  return grams.map((gram, step) => {
    if (computed.includes(step)) return [];
    const used = computed.filter((at) => at < step).slice(-history);
    return projection(gram, used.reverse()).weights;
  });
}

/** The weights of steps `used` that come closest to the last step of the matrix, and the distance that remains. */
function projection(
  gram: readonly (readonly number[])[],
  used: readonly number[],
): { weights: number[]; error: number } {
  const target = gram.length - 1;
  const size = used.reduce((sum, i) => sum + gram[i]![i]!, 0) / used.length;
  const matrix = used.map((i, row) => [
    ...used.map((j, column) => gram[i]![j]! + (row === column ? ridge * size : 0)),
    gram[i]![target]!,
  ]);
  const weights = solve(matrix);
  const explained = used.reduce((sum, i, row) => sum + 2 * weights[row]! * gram[i]![target]!, 0);
  const own = used.reduce(
    (sum, i, row) => sum + used.reduce((part, j, column) => part + weights[row]! * weights[column]! * gram[i]![j]!, 0),
    0,
  );
  return { weights, error: Math.sqrt(Math.max(0, gram[target]![target]! - explained + own)) };
}

/** Solves a positive definite system given as rows with their right sides, by elimination. */
function solve(rows: number[][]): number[] {
  const size = rows.length;
  for (let pivot = 0; pivot < size; pivot++) {
    for (let row = pivot + 1; row < size; row++) {
      const factor = rows[row]![pivot]! / rows[pivot]![pivot]!;
      for (let column = pivot; column <= size; column++) rows[row]![column]! -= factor * rows[pivot]![column]!;
    }
  }
  const solution = Array<number>(size).fill(0);
  for (let row = size - 1; row >= 0; row--) {
    const known = solution.reduce((sum, value, j) => (j > row ? sum + rows[row]![j]! * value : sum), 0);
    solution[row] = (rows[row]![size]! - known) / rows[row]![row]!;
  }
  return solution;
}
