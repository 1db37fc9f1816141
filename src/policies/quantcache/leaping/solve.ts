/** Small systems of linear equations, as fits of a few weights give them. */

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

/** The sum of products of two equally long lists of numbers. */
export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
