/**
 * `npm run mutate`: draws mutants, runs the tests that reach them, and records which mutants nobody noticed.
 *
 *     npm run mutate -- --portion 1/7        # a seventh of them; results of the same draw are added up
 *
 * Stryker would have been the library for this. Its current version needs Node 22, it draws no sample by a seed, and our
 * mutants are reached in hooks as often as in tests, where it runs all tests there are.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { createVitest } from 'vitest/node';
import { allMutants, draw, partOf } from './draw.ts';
import type { Numbered } from './instrument.ts';
import { type Outcome, type TimedJob, workOff } from './pool.ts';
import { changeOf, readVerdicts, tally, type Verdict, writeReport } from './report.ts';

const options = {
  seed: { type: 'string', default: '1' },
  count: { type: 'string', default: '400' },
  least: { type: 'string', default: '30' },
  portion: { type: 'string', default: '1/1' },
  workers: { type: 'string', default: String(Math.min(2, availableParallelism())) },
  /** Seconds of tests per mutant: those in its own folder first, then the quickest. */
  seconds: { type: 'string', default: '20' },
  /** Which verdicts on file are tried: `.su` those not tried yet and the survivors; none writes the record anew. */
  verdicts: { type: 'string', default: '.ksut' },
  /** A pattern of the test files that may kill; what only others would kill survives. */
  tests: { type: 'string', default: '.' },
  output: { type: 'string', default: 'test/mutation/result.json' },
} as const;

/** Tests that run the built command line: no mutant is in it. */
const built = /dist\/cli|execFile|spawn/;

/** What one test file takes and reaches. */
interface Reach {
  readonly file: string;
  readonly seconds: number;
  readonly reached: ReadonlySet<number>;
}

/** The command. */
export async function mutate(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options });
  const request = { seed: Number(values.seed), count: Number(values.count), least: Number(values.least) };
  const mutants = draw(allMutants(), request);
  const numbered = mutants.map((mutant, i): Numbered => ({ number: i + 1, mutant }));
  const verdicts = readVerdicts(values.output, mutants);
  const [part, of] = values.portion.split('/').map(Number) as [number, number];
  const chosen = numbered.filter(
    ({ number }) => number % of === part % of && values.verdicts.includes(verdicts[number - 1]!),
  );
  const workers = Number(values.workers);
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  const say = (line: string) => process.stderr.write(`${line}\n`);

  say(`${chosen.length} of ${mutants.length} mutants; first all tests without any.`);
  const reaches = chosen.length === 0 ? [] : await measure(numbered, { workers, tests: new RegExp(values.tests), say });
  const jobs = chosen.flatMap(({ number, mutant }): TimedJob[] => {
    const tests = testsFor(mutant.file, number, reaches, Number(values.seconds));
    if (tests.length === 0) verdicts[number - 1] = 'u';
    const usual = tests.reduce((sum, { seconds }) => sum + seconds, 0);
    return tests.length ? [{ mutant: number, files: tests.map(({ file }) => file), limit: 30 + 5 * usual }] : [];
  });
  const save = () => {
    const reasons = JSON.parse(readFileSync('test/mutation/reasons.json', 'utf8')) as Record<string, string>;
    writeReport(values.output, mutants, { verdicts, request, commit, tests: values.tests, reasons });
  };
  let done = 0;
  await workOff(numbered, jobs, {
    workers,
    onDone(job, outcome) {
      const verdict = verdictOf(outcome);
      verdicts[job.mutant - 1] = verdict;
      const { line } = mutants[job.mutant - 1]!;
      say(`${++done}/${jobs.length} ${verdict} ${line} ${changeOf(mutants[job.mutant - 1]!)}`);
      save();
    },
  });
  save();
  console.log(JSON.stringify(tally(verdicts)));
}

const verdictOf = (outcome: Outcome): Verdict =>
  outcome === 'timeout' ? 't' : outcome.every(({ passed }) => passed) ? 's' : 'k';

/** Runs every test file without a mutant. Throws where one fails: a mutant could not be told from it. */
async function measure(
  numbered: readonly Numbered[],
  { workers, tests, say }: { workers: number; tests: RegExp; say: (line: string) => void },
): Promise<Reach[]> {
  const vitest = await createVitest('test', { watch: false });
  const files = (await vitest.globTestSpecifications())
    .map(({ moduleId }) => moduleId.slice(process.cwd().length + 1))
    .filter(
      (file) => tests.test(file) && !built.test(readFileSync(file, 'utf8')) && !file.startsWith('test/mutation/'),
    );
  await vitest.close();
  const reaches: Reach[] = [];
  const jobs = files.map((file): TimedJob => ({ mutant: 0, files: [file], limit: 600 }));
  await workOff(numbered, jobs, {
    workers,
    onDone(job, outcome) {
      const [result] = outcome === 'timeout' ? [] : outcome;
      if (!result?.passed)
        throw new Error(`${job.files[0]} fails without any mutant: ${result?.failure ?? 'it took too long'}`);
      say(`${result.seconds.toFixed(1)} s, reaches ${result.reached.length}: ${result.file}`);
      reaches.push({ ...result, reached: new Set(result.reached) });
    },
  });
  return reaches;
}

/** The tests that reach a mutant, its own first, then those of its folder, of its part, and the quickest, within a time. */
function testsFor(file: string, number: number, reaches: readonly Reach[], seconds: number): Reach[] {
  const distance = (test: string) => {
    if (test === file.replace(/\.ts$/, '.test.ts')) return 0;
    if (dirname(test) === dirname(file)) return 1;
    return partOf(test) === partOf(file) ? 2 : 3;
  };
  const near = reaches
    .filter(({ reached }) => reached.has(number))
    .sort((a, b) => distance(a.file) - distance(b.file) || a.seconds - b.seconds);
  let left = seconds;
  return near.filter((test, i) => {
    left -= test.seconds;
    return i === 0 || left >= 0;
  });
}
