/** How long a comparison will still take, from the clips so far. */
import type { ClipResult } from './comparison.ts';
import { quantile } from './spread.ts';

/** Milliseconds for clips of these rows: the row's own median, or the median of all where it has none yet. */
export function timeLeft(
  clips: readonly ClipResult[],
  left: readonly { readonly row: { readonly label: string } }[],
): number {
  if (clips.length === 0) return Number.NaN;
  const totals = (label?: string) =>
    clips.filter(({ row }) => label === undefined || row === label).map(({ times }) => times.total);
  const overall = quantile(totals(), 0.5);
  const perRow = new Map<string, number>();
  for (const { row } of left) {
    if (perRow.has(row.label)) continue;
    const own = totals(row.label);
    perRow.set(row.label, own.length ? quantile(own, 0.5) : overall);
  }
  return left.reduce((sum, { row }) => sum + perRow.get(row.label)!, 0);
}
