/**
 * Which tests reach which mutants, measured by running every test file once without any. What was measured is kept in
 * `node_modules/.cache`, so that a run that was cut goes on where it was; a test file that changed is measured again.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { partOf } from './draw.ts';
import type { Numbered } from './instrument.ts';
import { type TimedJob, workOff } from './pool.ts';
import type { FileResult, Selection } from './worker.ts';

const cache = 'node_modules/.cache/mutation/reach.json';

/** Tests that run the built command line: no mutant is in it. */
const built = /dist\/cli|execFile|spawn/;

export interface MeasureRequest {
  readonly workers: number;
  /** The test files that may kill. */
  readonly tests: RegExp;
  say(line: string): void;
}

/** Runs every test file without a mutant. Throws where one fails: a mutant could not be told from it. */
export async function measure(
  numbered: readonly Numbered[],
  { workers, tests, say }: MeasureRequest,
): Promise<FileResult[]> {
  const sources = hash(sourceFiles('src').map((file) => readFileSync(file, 'utf8')));
  const drawn = hash(numbered.map(({ mutant }) => `${mutant.file} ${mutant.start} ${mutant.mutated}`));
  const keyOf = (file: string) => `${sources} ${drawn} ${hash([readFileSync(file, 'utf8')])} ${file}`;
  const known = existsSync(cache) ? (JSON.parse(readFileSync(cache, 'utf8')) as Record<string, FileResult>) : {};
  const files = ['src', 'test']
    .flatMap((folder) => testFiles(folder))
    .filter((file) => tests.test(file) && !built.test(readFileSync(file, 'utf8')));
  const jobs = files
    .filter((file) => !known[keyOf(file)])
    .map((file): TimedJob => ({ mutant: 0, reload: false, selections: [{ file }], limit: 1800 }));
  await workOff(numbered, jobs, {
    workers,
    onDone({ selections: [selection] }, outcome) {
      const { file } = selection!;
      const [result] = outcome === 'timeout' ? [] : outcome;
      if (!result?.passed)
        throw new Error(`${file} fails without any mutant: ${result?.failure ?? 'it took too long'}`);
      say(`${result.seconds.toFixed(1)} s: ${file}`);
      known[keyOf(file)] = result;
      mkdirSync(dirname(cache), { recursive: true });
      writeFileSync(cache, JSON.stringify(known));
    },
  });
  return files.map((file) => known[keyOf(file)]!);
}

/** The mutants that are reached while the sources are loaded: each when the first test file needs them. */
export const loadedOf = (reaches: readonly FileResult[]): ReadonlySet<number> =>
  new Set(reaches.flatMap(({ loaded }) => loaded));

const listed = (folder: string) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name))
    .sort();
const testFiles = (folder: string) => listed(folder).filter((file) => file.endsWith('.test.ts'));
const sourceFiles = (folder: string) => listed(folder).filter((file) => !file.endsWith('.test.ts'));

const hash = (texts: readonly string[]) => createHash('sha256').update(texts.join('\n')).digest('hex').slice(0, 16);

/** Tests of a file to run for a mutant, and the seconds that they usually take. */
export interface TimedSelection extends Selection {
  readonly seconds: number;
}

/**
 * The tests that reach a mutant: its own first, then those of its folder, of its part, and the quickest, within a time. Where
 * it is reached while sources are loaded, every test of its part may depend on it.
 */
export function testsFor(
  { number, mutant }: Numbered,
  reaches: readonly FileResult[],
  { seconds, loaded }: { readonly seconds: number; readonly loaded: boolean },
): TimedSelection[] {
  const source = mutant.file;
  const distance = (test: string) => {
    if (test === source.replace(/\.ts$/, '.test.ts')) return 0;
    if (dirname(test) === dirname(source)) return 1;
    return partOf(test) === partOf(source) ? 2 : 3;
  };
  const near = reaches
    .flatMap((reach): TimedSelection[] => {
      const { file, tests } = reach;
      if (loaded) return distance(file) < 3 ? [{ file, seconds: reach.seconds }] : [];
      const own = tests.filter(({ reached }) => reached.includes(number));
      const others = tests.filter((test) => !own.includes(test));
      const selected = own.map(({ id }) => id);
      return own.length ? [{ file, tests: selected, seconds: reach.seconds - sumOf(others) }] : [];
    })
    .sort((a, b) => distance(a.file) - distance(b.file) || a.seconds - b.seconds);
  let left = seconds;
  return near.filter((test, i) => {
    left -= test.seconds;
    return i === 0 || left >= 0;
  });
}

const sumOf = (tests: readonly { readonly seconds: number }[]) => tests.reduce((sum, { seconds }) => sum + seconds, 0);
