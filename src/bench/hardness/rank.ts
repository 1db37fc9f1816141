/** How alike two orders are, and what lies between their ends. */

/** Spearman's rank correlation, equal values sharing their mean rank; NaN for fewer than two pairs or where all are equal. */
export function rankCorrelation(a: readonly number[], b: readonly number[]): number {
  return correlation(ranksOf(a), ranksOf(b));
}

/** The mean of the highest tenth of the values minus that of the lowest; a tenth is at least one value. */
export function gapOfTenths(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const count = Math.max(1, Math.round(sorted.length / 10));
  return mean(sorted.slice(-count)) - mean(sorted.slice(0, count));
}

export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

function ranksOf(values: readonly number[]): number[] {
  const sorted = [...values].sort((a, b) => a - b);
  return values.map((value) => (sorted.indexOf(value) + sorted.lastIndexOf(value)) / 2);
}

function correlation(a: readonly number[], b: readonly number[]): number {
  const [meanA, meanB] = [mean(a), mean(b)];
  const product = (x: readonly number[], y: readonly number[], mx: number, my: number) =>
    x.reduce((sum, value, i) => sum + (value - mx) * (y[i]! - my), 0);
  return product(a, b, meanA, meanB) / Math.sqrt(product(a, a, meanA, meanA) * product(b, b, meanB, meanB));
}
