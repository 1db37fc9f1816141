/** Runs before every test file of a mutation run: the function that switches mutants, and what it was asked for. */
import { afterAll, inject } from 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    /** The number of the mutant that is switched on; 0 for none. */
    mutant: number;
  }
  interface TaskMeta {
    /** The numbers of the mutants that a test file reached. */
    reached?: number[];
  }
}

const active = inject('mutant');
const reached = new Set<number>();

Object.assign(globalThis, {
  mutant(number: number): boolean {
    reached.add(number);
    return number === active;
  },
});

// biome-ignore lint/correctness/noEmptyPattern: Vitest reads from the text of this function what it is to be given.
afterAll(({}, file) => {
  file.meta.reached = [...reached];
});
