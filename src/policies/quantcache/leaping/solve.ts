/** Fits of a few weights, and the small systems of linear equations that they are. */

/** Solves a positive definite system given as rows with their right sides, by elimination. */
export function solve(rows: readonly (readonly number[])[]): number[] {
  const left = rows.map((row) => [...row]);
  const size = rows.length;
  for (let pivot = 0; pivot < size; pivot++) {
    for (let row = pivot + 1; row < size; row++) {
      const factor = left[row]![pivot]! / left[pivot]![pivot]!;
      for (let column = pivot; column <= size; column++) left[row]![column]! -= factor * left[pivot]![column]!;
    }
  }
  const solution = Array<number>(size).fill(0);
  for (let row = size - 1; row >= 0; row--) {
    const known = solution.reduce((sum, value, j) => (j > row ? sum + left[row]![j]! * value : sum), 0);
    solution[row] = (left[row]![size]! - known) / left[row]![row]!;
  }
  return solution;
}

/** How strongly weights are drawn to those to start from, relative to the mean square of what they weigh. */
const ridge = 1e-4;

/** Inner products of the vectors to be weighted with each other and with the target, and the weights to start from. */
export interface WeightFit {
  readonly products: readonly (readonly number[])[];
  readonly targets: readonly number[];
  readonly start: readonly number[];
}

/** The weights whose sum comes closest to the target, drawn to those to start from. */
export function fitWeights({ products, targets, start }: WeightFit): number[] {
  const pull = (ridge * products.reduce((sum, row, i) => sum + row[i]!, 0)) / products.length;
  const change = solve(
    products.map((row, i) => [
      ...row.map((value, j) => value + (i === j ? pull : 0)),
      targets[i]! - row.reduce((sum, value, j) => sum + value * start[j]!, 0),
    ]),
  );
  return start.map((value, i) => value + change[i]!);
}

/** The sum of products of two equally long lists of numbers. */
export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
