/**
 * `npm run mutate`: draws mutants, runs the tests that reach them, and records which mutants nobody noticed.
 *
 *     npm run mutate                         # those not tried yet; a run that was cut goes on where it was
 *     npm run mutate -- --portion 1/7        # a seventh of them
 *     npm run mutate -- --named              # the mistakes of `named.json` instead; exit code 1 where one survives
 *
 * Stryker would have been the library for this. Its current version needs Node 22, it draws no sample by a seed, and our
 * mutants are reached in hooks as often as in tests, where it runs all tests there are.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { allMutants, draw } from './draw.ts';
import type { Numbered } from './instrument.ts';
import type { Mutant } from './mutants.ts';
import { namedMutants } from './named.ts';
import { changeOf, readVerdicts, tally, writeReport } from './report.ts';
import { type Tried, type TryRequest, tryMutants } from './try.ts';

const options = {
  seed: { type: 'string', default: '1' },
  count: { type: 'string', default: '400' },
  least: { type: 'string', default: '30' },
  portion: { type: 'string', default: '1/1' },
  /** A pattern of the sources whose mutants are tried. */
  files: { type: 'string', default: '.' },
  workers: { type: 'string', default: String(Math.min(2, availableParallelism())) },
  /** Seconds of tests per mutant: those in its own folder first, then the quickest. */
  seconds: { type: 'string', default: '20' },
  /** Which verdicts on file are tried: `.` those not tried yet, `.su` the survivors, too; none writes the record anew. */
  verdicts: { type: 'string', default: '.' },
  /** A pattern of the test files that may kill; what only others would kill survives. */
  tests: { type: 'string', default: '.' },
  output: { type: 'string', default: 'test/mutation/result.json' },
  /** The mistakes of `named.json` in place of drawn ones; nothing is recorded. */
  named: { type: 'boolean', default: false },
} as const;

/** The command. */
export async function mutate(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options });
  const request = {
    workers: Number(values.workers),
    tests: new RegExp(values.tests),
    seconds: Number(values.seconds),
    say: (line: string) => void process.stderr.write(`${line}\n`),
  };
  if (values.named) return tryNamed(request);
  const drawing = { seed: Number(values.seed), count: Number(values.count), least: Number(values.least) };
  const mutants = draw(allMutants(), drawing);
  const verdicts = readVerdicts(values.output, mutants);
  const [part, of] = values.portion.split('/').map(Number) as [number, number];
  const files = new RegExp(values.files);
  const numbered = numberedOf(mutants);
  const chosen = numbered
    .filter(({ mutant }) => files.test(mutant.file))
    .map(({ number }) => number)
    .filter((number) => number % of === part % of && values.verdicts.includes(verdicts[number - 1]!));
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  const save = () => {
    const reasons = JSON.parse(readFileSync('test/mutation/reasons.json', 'utf8')) as Record<string, string>;
    writeReport(values.output, mutants, { verdicts, request: drawing, commit, tests: values.tests, reasons });
  };

  request.say(`${chosen.length} of ${mutants.length} mutants.`);
  let left = chosen.length;
  await tryMutants(numbered, { ...request, chosen }, (tried) => {
    verdicts[tried.number - 1] = tried.verdict;
    request.say(`${--left} left; ${sentenceOf(tried, mutants[tried.number - 1]!)}`);
    save();
  });
  save();
  console.log(JSON.stringify(tally(verdicts)));
}

async function tryNamed(request: Omit<TryRequest, 'chosen'>): Promise<void> {
  const mutants = namedMutants();
  const numbered = numberedOf(mutants);
  await tryMutants(numbered, { ...request, chosen: numbered.map(({ number }) => number) }, (tried) => {
    const mutant = mutants[tried.number - 1]!;
    console.log(`${mutant.what}: ${sentenceOf(tried, mutant)}`);
    if (tried.verdict !== 'k') process.exitCode = 1;
  });
}

const numberedOf = (mutants: readonly Mutant[]): Numbered[] => mutants.map((mutant, i) => ({ number: i + 1, mutant }));

const sentenceOf = ({ verdict, killer }: Tried, mutant: Mutant) =>
  [verdict, mutant.line, changeOf(mutant), killer && `| ${killer}`].filter(Boolean).join(' ');
