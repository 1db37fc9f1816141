/**
 * A process that runs tests with a mutant switched on. It is told what to run by messages and answers with what came of it; a
 * mutant that never ends is ended by killing the process.
 */
import { readFileSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { createVitest, type TestModule, type Vitest } from 'vitest/node';
import { instrument, type Numbered } from './instrument.ts';
import { warmPool } from './warm.ts';

/** What a worker is told first. */
export interface Assignment {
  readonly mutants: readonly Numbered[];
}

/** Tests of a file; all of them where no names are given. */
export interface Selection {
  readonly file: string;
  readonly tests?: readonly string[];
}

/** Run these tests, file by file, until one fails. */
export interface Job {
  /** The mutant to switch on; 0 for none. */
  readonly mutant: number;
  /** Load our sources anew, because the mutant is reached while they are loaded. */
  readonly reload: boolean;
  readonly selections: readonly Selection[];
}

/** What one test took and reached, with the hooks before it. */
export interface TestReach {
  /** Vitest's name for it. */
  readonly id: string;
  readonly seconds: number;
  readonly reached: readonly number[];
}

/** What came of the tests of one file. */
export interface FileResult {
  readonly file: string;
  readonly passed: boolean;
  /** What the first failure says. */
  readonly failure?: string;
  readonly seconds: number;
  /** The numbers of the mutants that were reached while it was loaded. */
  readonly loaded: readonly number[];
  readonly tests: readonly TestReach[];
}

/** Serves jobs until the parent goes away. */
export async function work(): Promise<void> {
  const send = (message: unknown) => process.send!(message);
  const assignment = await new Promise<Assignment>((done) =>
    process.once('message', (told) => done(told as Assignment)),
  );
  const vitest = await createVitest(
    'test',
    {
      watch: false,
      reporters: [{}],
      bail: 1,
      maxWorkers: 1,
      pool: warmPool(),
      isolate: false,
      setupFiles: [resolve('test/mutation/setup.ts')],
      // What takes too long is ended with its process, and is no failed test.
      testTimeout: 0,
      hookTimeout: 0,
    },
    { plugins: [mutating(assignment.mutants)], server: { watch: null } },
  );
  await vitest.standalone();
  let spoilt = false;
  const run = async ({ mutant, selections, reload }: Job): Promise<FileResult[]> => {
    vitest.getRootProject().provide('mutant', mutant);
    vitest.getRootProject().provide('reload', reload || spoilt);
    spoilt = reload;
    const results: FileResult[] = [];
    for (const selection of selections) {
      const result = await runFile(vitest, selection);
      results.push(result);
      if (!result.passed) break;
    }
    return results;
  };
  process.on('message', (job) => run(job as Job).then(send, (error) => send({ error: String(error) })));
  process.on('disconnect', () => process.exit());
  send('ready');
}

async function runFile(vitest: Vitest, { file, tests }: Selection): Promise<FileResult> {
  const began = performance.now();
  vitest.state.clearErrors();
  const specification = vitest.getRootProject().createSpecification(resolve(file), tests && { testIds: [...tests] });
  await vitest.runTestSpecifications([specification]);
  // Vitest's answer would hold the modules of all runs before.
  const modules = vitest.state.getTestModules().filter(({ moduleId }) => moduleId === resolve(file));
  const unhandledErrors = vitest.state.getUnhandledErrors();
  const passed = unhandledErrors.length === 0 && modules.length === 1 && modules.every((module) => module.ok());
  return {
    file,
    passed,
    failure: passed ? undefined : failureOf(modules, unhandledErrors),
    seconds: (performance.now() - began) / 1000,
    loaded: modules.flatMap((module) => module.meta().reached ?? []),
    tests: modules.flatMap(reachesOf),
  };
}

/** What hooks of a suite reach, every test of the suite needs. */
function reachesOf(module: TestModule): TestReach[] {
  const ran = [...module.children.allTests('passed')];
  return ran.map((test) => {
    const siblings = ran.filter(({ parent }) => parent === test.parent);
    const hooks = siblings.flatMap((sibling) => sibling.meta().reachedBefore ?? []);
    const reached = [...new Set([...hooks, ...(test.meta().reached ?? [])])];
    return { id: test.id, seconds: (test.diagnostic()?.duration ?? 0) / 1000, reached };
  });
}

function failureOf(modules: readonly TestModule[], unhandled: readonly unknown[]): string {
  const failed = modules.flatMap((module) => [
    ...module.errors(),
    ...[...module.children.allTests('failed')].flatMap((test) => test.result().errors ?? []),
  ]);
  const [first] = [...failed, ...unhandled];
  return (first as { message?: string } | undefined)?.message ?? String(first);
}

/** Gives instrumented sources to Vite in place of those on disk. */
function mutating(mutants: readonly Numbered[]) {
  return {
    name: 'mutants',
    enforce: 'pre' as const,
    load(id: string) {
      const path = id.split('?')[0]!;
      const own = mutants.filter(({ mutant }) => mutant.file === relative(process.cwd(), path));
      return own.length > 0 ? instrument(readFileSync(path, 'utf8'), own) : undefined;
    },
  };
}
