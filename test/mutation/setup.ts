/**
 * Runs before every test file of a mutation run: the function that switches mutants, and a note of which test reached which.
 * Modules stay loaded from one run to the next, as loading them takes longer than most tests.
 */
import { afterEach, beforeAll, beforeEach, inject } from 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    /** The number of the mutant that is switched on; 0 for none. */
    mutant: number;
    /** Whether our sources are loaded anew. */
    reload: boolean;
  }
  interface TaskMeta {
    /** On a file: the numbers of the mutants that were reached while it was loaded. On a test: those that it reached. */
    reached?: number[];
    /** On a test: the mutants that were reached in hooks between the test before it and itself. */
    reachedBefore?: number[];
  }
}

interface Modules {
  readonly idToModuleMap: ReadonlyMap<string, { readonly id: string }>;
  invalidateModule(module: { readonly id: string }): void;
}

if (inject('reload')) {
  const { evaluatedModules } = (globalThis as unknown as { __vitest_worker__: { evaluatedModules: Modules } })
    .__vitest_worker__;
  for (const module of evaluatedModules.idToModuleMap.values())
    if (/^(?!.*node_modules).*\/src\//.test(module.id)) evaluatedModules.invalidateModule(module);
}

const active = inject('mutant');
let reached = new Set<number>();

/** The mutants reached since this was last called. */
function take(): number[] {
  const numbers = [...reached];
  reached = new Set();
  return numbers;
}

Object.assign(globalThis, {
  mutant(number: number): boolean {
    reached.add(number);
    return number === active;
  },
});

// biome-ignore lint/correctness/noEmptyPattern: Vitest reads from the text of this function what it is to be given.
beforeAll(({}, file) => {
  file.meta.reached = take();
});

beforeEach(({ task }) => {
  task.meta.reachedBefore = take();
});

afterEach(({ task }) => {
  task.meta.reached = take();
});
