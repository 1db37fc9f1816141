/**
 * Mean products of ways between two steps, from sums along a run, so that what any leap misses is known at once: a run of
 * many steps has many leaps to choose from.
 */

export interface ProductsOfWays {
  /** Of a row of the moments, u or d at a step, with the way from one step to another. */
  withAnswer(row: number, from: number, to: number): number;
  /** Of that way with itself. */
  withItself(from: number, to: number): number;
}

/**
 * matrix: moments, u at every step and then d; levels: the noise level of each step, and 0 at the end; velocity: factors of u
 * and d in a guided velocity.
 */
export function productsOfWays(
  matrix: readonly (readonly number[])[],
  levels: readonly number[],
  [u, d]: readonly [number, number],
): ProductsOfWays {
  const numSteps = levels.length - 1;
  const steps = Array.from({ length: numSteps }, (_, step) => step);
  const length = (step: number) => levels[step]! - levels[step + 1]!;
  /** With ways from the first step to each: of every row of the moments, and of such ways themselves. */
  const answers = matrix.map((row) =>
    runningSums(steps.map((step) => length(step) * (u * row[step]! + d * row[numSteps + step]!))),
  );
  const columns = [...steps, numSteps].map((to) =>
    runningSums(steps.map((step) => length(step) * (u * answers[step]![to]! + d * answers[numSteps + step]![to]!))),
  );
  return {
    withAnswer: (row, from, to) => answers[row]![to]! - answers[row]![from]!,
    withItself: (from, to) => columns[to]![to]! - 2 * columns[to]![from]! + columns[from]![from]!,
  };
}

/** The sums of none of the values, of the first, of the first two, and so on. */
function runningSums(values: readonly number[]): number[] {
  const sums = [0];
  for (const value of values) sums.push(sums.at(-1)! + value);
  return sums;
}
