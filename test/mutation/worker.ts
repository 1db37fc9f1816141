/**
 * A process that runs test files with a mutant switched on. It is told what to run by messages and answers with what came
 * of it; a mutant that never ends is ended by killing the process.
 */
import { readFileSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { createVitest, type TestModule } from 'vitest/node';
import { instrument, type Numbered } from './instrument.ts';

/** What a worker is told first. */
export interface Assignment {
  readonly mutants: readonly Numbered[];
}

/** Run these files one after the other until a test fails. */
export interface Job {
  /** The mutant to switch on; 0 for none. */
  readonly mutant: number;
  readonly files: readonly string[];
}

/** What came of one test file. */
export interface FileResult {
  readonly file: string;
  readonly passed: boolean;
  /** What the first failure says. */
  readonly failure?: string;
  readonly seconds: number;
  /** The numbers of the mutants that it reached. */
  readonly reached: readonly number[];
}

/** Serves jobs until the parent goes away. */
export async function work(): Promise<void> {
  const send = (message: unknown) => process.send!(message);
  const assignment = await new Promise<Assignment>((done) =>
    process.once('message', (told) => done(told as Assignment)),
  );
  const vitest = await createVitest(
    'test',
    { watch: false, reporters: [{}], bail: 1, maxWorkers: 1, setupFiles: [resolve('test/mutation/setup.ts')] },
    { plugins: [mutating(assignment.mutants)], server: { watch: null } },
  );
  await vitest.standalone();
  const project = vitest.getRootProject();
  const run = async ({ mutant, files }: Job): Promise<FileResult[]> => {
    project.provide('mutant', mutant);
    const results: FileResult[] = [];
    for (const file of files) {
      const began = performance.now();
      vitest.state.clearErrors();
      await vitest.runTestSpecifications([project.createSpecification(resolve(file))]);
      // Vitest's answer would hold the modules of all runs before.
      const testModules = vitest.state.getTestModules().filter(({ moduleId }) => moduleId === resolve(file));
      const unhandledErrors = vitest.state.getUnhandledErrors();
      const passed =
        unhandledErrors.length === 0 && testModules.length === 1 && testModules.every((module) => module.ok());
      const reached = testModules.flatMap((module) => module.meta().reached ?? []);
      const failure = passed ? undefined : failureOf(testModules, unhandledErrors);
      results.push({ file, passed, failure, seconds: (performance.now() - began) / 1000, reached });
      if (!passed) break;
    }
    return results;
  };
  process.on('message', (job) => run(job as Job).then(send, (error) => send({ error: String(error) })));
  process.on('disconnect', () => process.exit());
  send('ready');
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
