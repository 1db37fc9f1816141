/**
 * Sources with all drawn mutants in them, switched by number while they run: `(mutant(7) ? a - b : a + b)`. So every file
 * is compiled once, and one run of the tests without any mutant shows which of them are reached by which test file.
 */
import type { Mutant } from './mutants.ts';

/** A mutant and the number that switches it on, from 1. */
export interface Numbered {
  readonly number: number;
  readonly mutant: Mutant;
}

/** The text of a file with its mutants in it; `mutant` is the global function of `setup.ts`. */
export function instrument(text: string, mutants: readonly Numbered[]): string {
  const outermostFirst = [...mutants].sort(
    (a, b) => a.mutant.start - b.mutant.start || b.mutant.end - a.mutant.end || a.number - b.number,
  );
  return replace(text, 0, text.length, outermostFirst);
}

/** The text between two places, of which the mutants lie within. */
function replace(text: string, from: number, to: number, mutants: readonly Numbered[]): string {
  const [first, ...others] = mutants;
  if (!first) return text.slice(from, to);
  const { start, end } = first.mutant;
  const inside = others.filter(({ mutant }) => mutant.start < end);
  const after = others.filter(({ mutant }) => mutant.start >= end);
  const original = replace(text, start, end, inside);
  return text.slice(from, start) + switched(first, original) + replace(text, end, to, after);
}

function switched({ number, mutant }: Numbered, original: string): string {
  const on = `mutant(${number})`;
  // In braces of its own, so that an `else` behind it stays that of the `if` before it.
  return mutant.mutated === '' ? `{ if (!${on}) { ${original} } }` : `(${on} ? ${mutant.mutated} : ${original})`;
}
