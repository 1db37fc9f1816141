/** What a report says about a row: its kind, its speed and whether that counts. */

import { simulation } from '../api/quantization.ts';
import type { Precision } from '../index.ts';
import type { Comparison, RowSummary } from './comparison.ts';
import { isBusy } from './machine.ts';
import type { Row } from './rows.ts';
import { summarizeRows } from './summary.ts';

/** What kind of acceleration a row is. */
export type Kind = 'full' | 'fewer steps' | 'sampler' | 'caching' | 'quantization' | 'quantcache';

export interface Entry {
  readonly row: Row;
  readonly kind: Kind;
  /** Rows of one method and precision form a curve. */
  readonly method: string;
  readonly summary: RowSummary;
  /** Median against full computation with the comparison's steps; by processor time where the machine was busy. */
  readonly speed: number;
  /** Why the speed does not count, where it does not. */
  readonly simulated?: string;
  /** Place by speed among those that count, the first is 1. */
  readonly rank?: number;
}

const own = ['quantcache', 'quantcache-paper', 'hlc', 'aigq', 'srap'];

/** An entry per measured row, fastest first, those that do not count last. */
export function entriesOf(comparison: Comparison): Entry[] {
  const rows = new Map(comparison.rows.map((row) => [row.label, row]));
  const part = isBusy(comparison) ? 'processor' : 'endToEnd';
  const reference = comparison.rows[0]!.label;
  const entries = summarizeRows(comparison).map((summary): Entry => {
    const row = rows.get(summary.label)!;
    return {
      row,
      kind: kindOf(row, reference),
      method: methodOf(row),
      summary,
      speed: summary.reference?.[part].median ?? Number.NaN,
      simulated: simulationOf(comparison, row, summary),
    };
  });
  const counted = entries.filter(({ simulated }) => !simulated).sort((a, b) => b.speed - a.speed);
  const others = entries.filter(({ simulated }) => simulated).sort((a, b) => b.speed - a.speed);
  return [...counted.map((entry, i) => ({ ...entry, rank: i + 1 })), ...others];
}

function kindOf({ policy, precision, label, options }: Row, reference: string): Kind {
  if (label === reference) return 'full';
  if (own.includes(policy)) return 'quantcache';
  if (policy !== 'full') return 'caching';
  if (options.sampler !== undefined) return 'sampler';
  return precision === 'fp32' ? 'fewer steps' : 'quantization';
}

function methodOf({ policy, precision, recipe, options: { sampler } }: Row): string {
  const plain = policy === 'full' && sampler === undefined;
  if (plain && precision === 'fp32') return 'fewer steps';
  const bits = precision === 'fp32' ? '' : ` ${precision}`;
  if (sampler !== undefined) return `${policy === 'full' ? '' : `${policy} `}${sampler}${bits}`;
  return policy === 'full' && recipe ? `${recipe}${bits}` : `${policy}${bits}${recipe ? ` ${recipe}` : ''}`;
}

/** A row counts only if all that it computed in is real on the machine. */
function simulationOf({ machines }: Comparison, { precision }: Row, { precisions }: RowSummary): string | undefined {
  const backend = machines.at(-1)?.backend ?? 'cpu';
  for (const one of new Set([precision, ...Object.keys(precisions)])) {
    const reason = simulation(one as Precision, backend);
    if (reason) return `${one}: ${reason}`;
  }
  return undefined;
}
