/** Tries mutants: the tests that reach one run with it switched on, until one of them fails. */
import type { Numbered } from './instrument.ts';
import { type Outcome, type TimedJob, workOff } from './pool.ts';
import { loadedOf, measure, testsFor } from './reach.ts';
import type { Verdict } from './report.ts';

export interface TryRequest {
  /** The numbers of the mutants to try. */
  readonly chosen: readonly number[];
  readonly workers: number;
  /** The test files that may kill. */
  readonly tests: RegExp;
  /** Seconds of tests per mutant. */
  readonly seconds: number;
  say(line: string): void;
}

/** What became of a mutant. */
export interface Tried {
  readonly number: number;
  readonly verdict: Verdict;
  /** The test file that failed, and what it said. */
  readonly killer?: string;
}

/** Tries the chosen ones of the mutants, all of which are in the sources; `onTried` is told of each in turn. */
export async function tryMutants(
  numbered: readonly Numbered[],
  { chosen, workers, tests, seconds, say }: TryRequest,
  onTried: (tried: Tried) => void,
): Promise<void> {
  if (chosen.length === 0) return;
  const reaches = await measure(numbered, { workers, tests, say });
  const loaded = loadedOf(reaches);
  const jobs = chosen.flatMap((number): TimedJob[] => {
    const reload = loaded.has(number);
    const selections = testsFor(numbered[number - 1]!, reaches, { seconds, loaded: reload });
    if (selections.length === 0) onTried({ number, verdict: 'u' });
    const usual = selections.reduce((sum, selection) => sum + selection.seconds, 0);
    return selections.length ? [{ mutant: number, reload, selections, limit: 60 + 10 * usual }] : [];
  });
  const quickestFirst = jobs.sort((a, b) => +a.reload - +b.reload || a.limit - b.limit);
  await workOff(numbered, quickestFirst, {
    workers,
    onDone: ({ mutant }, outcome) => onTried({ number: mutant, ...judge(outcome) }),
  });
}

function judge(outcome: Outcome): Omit<Tried, 'number'> {
  if (outcome === 'timeout') return { verdict: 't' };
  const failed = outcome.find(({ passed }) => !passed);
  return failed ? { verdict: 'k', killer: `${failed.file}: ${failed.failure}` } : { verdict: 's' };
}
