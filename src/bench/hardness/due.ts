/** What is left to measure: clips, and the evaluations of the network that they take, which is what time is estimated by. */
import { isDeepStrictEqual } from 'node:util';
import type { Cell } from '../comparison.ts';
import { evaluationsOf } from './clips.ts';
import { type HardnessRows, type Part, parts } from './protocol.ts';
import { mean } from './rank.ts';
import type { AgreementRecord, FidelityRecord, FixedRecord, OracleRecord } from './records.ts';

/** What has been measured. */
export interface Records {
  readonly fidelity: readonly FidelityRecord[];
  readonly agreement: readonly AgreementRecord[];
  readonly oracle: readonly OracleRecord[];
  readonly fixed?: FixedRecord;
}

/** The clips of each part; a part that is not to be measured has none. */
export type Wanted = Readonly<Record<Part, readonly Cell[]>>;

/** Evaluations per step and clip that searches take, as far as can be guessed: one path for all clips takes more leaps. */
const guessedSearch = { oracle: 10, fixed: 16 } as const;

/** The clips that a part lacks. */
export const missingIn = (part: Part, wanted: Wanted, records: Records): readonly Cell[] =>
  wanted[part].filter((cell) => !records[part].some((one) => isSameCell(one, cell)));

/** The search over all clips as far as it went; undefined where it has not begun or was one over other clips. */
export const fixedFor = (wanted: Wanted, { fixed }: Records): FixedRecord | undefined =>
  isDeepStrictEqual(fixed?.cells, wanted.oracle) ? fixed : undefined;

/** Whether the search over all clips is still to be done. */
export function isFixedMissing(wanted: Wanted, records: Records): boolean {
  const fixed = fixedFor(wanted, records);
  return wanted.oracle.length > 0 && (!fixed || fixed.unfinished !== undefined);
}

/** Whether nothing is left to do. */
export const isComplete = (wanted: Wanted, records: Records): boolean =>
  parts.every((part) => missingIn(part, wanted, records).length === 0) && !isFixedMissing(wanted, records);

/** Evaluations that are still to be made, as far as they can be known. */
export function evaluationsLeft(wanted: Wanted, records: Records, { full, fewer, judged }: HardnessRows): number {
  const perClip = (rows: HardnessRows['fewer']) => rows.reduce((sum, row) => sum + evaluationsOf(row), 0);
  const { numSteps } = full;
  const searched = records.oracle.map((record) => record.searched);
  const perSearch = searched.length > 0 ? mean(searched) : guessedSearch.oracle * numSteps;
  // A search that outlasts the guess is expected to end soon.
  const rest = guessedSearch.fixed * numSteps - (fixedFor(wanted, records)?.searched ?? 0);
  const fixedSearch = isFixedMissing(wanted, records) ? numSteps + Math.max(guessedSearch.fixed, rest) : 0;
  return (
    missingIn('fidelity', wanted, records).length * perClip([full, ...fewer]) +
    missingIn('agreement', wanted, records).length * perClip(judged) +
    missingIn('oracle', wanted, records).length * (numSteps + perSearch) +
    wanted.oracle.length * fixedSearch
  );
}

const isSameCell = (a: Cell, b: Cell): boolean => a.prompt === b.prompt && a.seed === b.seed;
