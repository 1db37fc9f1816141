/**
 * Fitting of polynomials by least squares: min |V c - y| with V[i][j] = x_i^j, solved by Householder reflections, which
 * lose half as many digits as normal equations do. Points are scaled to [-1, 1] first: powers of small numbers vanish.
 */
import { QuantCacheError } from '../errors.ts';

/**
 * Coefficients of the polynomial closest to the points, highest power first. The degree is lowered to what distinct
 * points determine. Throws `not_finite` for points that are not numbers, `invalid_option` for none.
 */
export function fitPolynomial(xs: readonly number[], ys: readonly number[], degree: number): number[] {
  if (xs.length === 0) throw new QuantCacheError('invalid_option', 'There are no points to fit; run more steps.');
  if (![...xs, ...ys].every(Number.isFinite))
    throw new QuantCacheError('not_finite', 'Some points to fit are not finite numbers.');
  const scale = Math.max(...xs.map(Math.abs)) || 1;
  const terms = Math.min(degree + 1, new Set(xs).size);
  const rows = xs.map((x) => Array.from({ length: terms }, (_, power) => (x / scale) ** power));
  const coefficients = leastSquares(rows, ys).map((value, power) => value / scale ** power);
  return [...coefficients, ...Array<number>(degree + 1 - terms).fill(0)].reverse();
}

/** The c of least |A c - b|, for rows A of full column rank. */
export function leastSquares(rows: readonly (readonly number[])[], values: readonly number[]): number[] {
  // Each row carries its value as a last entry, so that reflections turn both.
  const a = rows.map((row, i) => [...row, values[i]!]);
  const columns = rows[0]!.length;
  for (let column = 0; column < columns; column++) reflect(a, column);
  const solution = Array<number>(columns).fill(0);
  for (let i = columns - 1; i >= 0; i--) {
    const known = solution.reduce((sum, value, j) => (j > i ? sum + a[i]![j]! * value : sum), 0);
    solution[i] = (a[i]![columns]! - known) / a[i]![i]!;
  }
  return solution;
}

/** Turns the rows from `column` down so that this column is zero below the diagonal. */
function reflect(a: number[][], column: number): void {
  const below = a.slice(column);
  const norm = Math.hypot(...below.map((row) => row[column]!));
  const direction = below.map((row) => row[column]!);
  direction[0]! += direction[0]! < 0 ? -norm : norm;
  const size = direction.reduce((sum, value) => sum + value ** 2, 0);
  if (size === 0) return;
  for (let j = column; j < a[0]!.length; j++) {
    const share = (2 * below.reduce((sum, row, i) => sum + direction[i]! * row[j]!, 0)) / size;
    for (const [i, row] of below.entries()) row[j]! -= share * direction[i]!;
  }
}
