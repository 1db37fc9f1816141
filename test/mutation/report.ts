/** The record of a mutation run: one letter per mutant in the order drawn, counts by part, and what survived. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { type DrawRequest, partOf, parts } from './draw.ts';
import type { Mutant } from './mutants.ts';

/** k killed by a test, s survived, u reached by no test and so a survivor, t never ended, . not tried. */
export type Verdict = 'k' | 's' | 'u' | 't' | '.';

/** Why a survivor is none to worry about, by line and change: `12 src/file.ts: original -> mutated`. */
export type Reasons = Readonly<Record<string, string>>;

/** What was changed, in one line. */
export const changeOf = ({ file, original, mutated }: Mutant): string =>
  `${file}: ${oneLine(original)} -> ${mutated ? oneLine(mutated) : '(left out)'}`;

/** The same with its line, as records list it. */
const placeOf = (mutant: Mutant): string => `${mutant.line} ${changeOf(mutant)}`;

const oneLine = (text: string) => text.replaceAll(/\s+/g, ' ');

/** Names the mutants of a draw, so that results of other sources are not mixed with them. */
export const fingerprint = (mutants: readonly Mutant[]): string =>
  createHash('sha256').update(mutants.map(changeOf).join('\n')).digest('hex').slice(0, 16);

/** The verdicts on file for these very mutants; none tried where the file is about others. */
export function readVerdicts(file: string, mutants: readonly Mutant[]): Verdict[] {
  const known = existsSync(file)
    ? (JSON.parse(readFileSync(file, 'utf8')) as { drawn: string; verdicts: string })
    : undefined;
  if (known?.drawn === fingerprint(mutants)) return [...known.verdicts] as Verdict[];
  return mutants.map(() => '.');
}

/** What a record says beside its mutants. */
export interface MutationRecord {
  readonly verdicts: readonly Verdict[];
  readonly request: DrawRequest;
  readonly commit: string;
  /** The pattern of the test files that could kill. */
  readonly tests: string;
  readonly reasons: Reasons;
}

/** Writes the record. */
export function writeReport(
  file: string,
  mutants: readonly Mutant[],
  { verdicts, request, commit, tests, reasons }: MutationRecord,
): void {
  const listed = (verdict: Verdict) => mutants.filter((_, i) => verdicts[i] === verdict).map(placeOf);
  const survivors = mutants.flatMap((mutant, i) => {
    if (verdicts[i] !== 's' && verdicts[i] !== 'u') return [];
    const reason = reasons[placeOf(mutant)];
    return [{ line: mutant.line, change: changeOf(mutant), tests: verdicts[i] === 's', ...(reason && { reason }) }];
  });
  const byPart = Object.fromEntries(
    parts.map((part) => [part, tally(verdicts.filter((_, i) => partOf(mutants[i]!.file) === part))]),
  );
  const head = { ...request, commit, tests, drawn: fingerprint(mutants), all: tally(verdicts) };
  const lines = [
    ...Object.entries(head).map(([key, value]) => ` ${JSON.stringify(key)}: ${JSON.stringify(value)}`),
    ` "parts": {\n${rows(Object.entries(byPart).map(([part, counts]) => `${JSON.stringify(part)}: ${JSON.stringify(counts)}`))}\n }`,
    ` "verdicts": ${JSON.stringify(verdicts.join(''))}`,
    ` "survivors": [\n${rows(survivors.map((one) => JSON.stringify(one)))}\n ]`,
    ` "timeouts": [\n${rows(listed('t').map((one) => JSON.stringify(one)))}\n ]`,
  ];
  writeFileSync(file, `{\n${lines.join(',\n')}\n}\n`);
}

const rows = (texts: readonly string[]) => texts.map((text) => `  ${text}`).join(',\n');

/** Counts, and the share of those tried that a test killed; what never ended counts as tried and not as killed. */
export function tally(verdicts: readonly Verdict[]) {
  const count = (verdict: Verdict) => verdicts.filter((one) => one === verdict).length;
  const tried = verdicts.length - count('.');
  const [killed, survived, untested, timeouts] = [count('k'), count('s'), count('u'), count('t')];
  return {
    drawn: verdicts.length,
    tried,
    killed,
    survived,
    untested,
    timeouts,
    share: tried ? +(killed / tried).toFixed(3) : 0,
  };
}
