/**
 * Names of the options that public functions take: one that is not known is refused, because a slip such as `numFrames`
 * would otherwise silently make another clip than the one asked for.
 */
import { QuantCacheError } from './errors.ts';

/** Every name of a type of options; the compiler notices when one is missing. */
export type OptionNames<Options> = { readonly [Name in keyof Options]-?: true };

/** Throws `invalid_option` for options that are no object or have a name that is not known, with the one that was likely meant. */
export function checkOptionNames(given: unknown, known: Readonly<Record<string, true>>, taker: string): void {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw new QuantCacheError('invalid_option', `The options of ${taker} must be an object, such as {}.`);
  const names = Object.keys(known);
  const strange = Object.keys(given).filter((name) => !Object.hasOwn(known, name));
  if (strange.length === 0) return;
  const told = strange.map((name) => `${JSON.stringify(name)}${suggestion(name, names)}`).join(', ');
  throw new QuantCacheError('invalid_option', `${taker} has no option ${told}. It knows ${names.join(', ')}.`);
}

/** In brackets, the name that was likely meant; empty where none is like the one given. */
export function suggestion(given: string, known: readonly string[]): string {
  const [nearest] = known
    .map((name) => ({ name, distance: editDistance(given.toLowerCase(), name.toLowerCase()) }))
    .filter(({ name, distance }) => distance <= Math.max(given.length, name.length) / 2)
    .sort((a, b) => a.distance - b.distance);
  return nearest ? ` (did you mean "${nearest.name}"?)` : '';
}

/** Levenshtein's: the fewest characters to insert, remove or replace. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (const [i, character] of [...from].entries()) {
    const next = [i + 1];
    for (let j = 0; j < to.length; j++)
      next.push(Math.min(row[j]! + (character === to[j] ? 0 : 1), row[j + 1]! + 1, next[j]! + 1));
    row = next;
  }
  return row[to.length]!;
}
