/** Mistakes that went unnoticed once, each by what it is: `named.json`. `npm run mutate -- --named` tries them. */
import { readFileSync } from 'node:fs';
import * as z from 'zod';
import type { Mutant } from './mutants.ts';

const schema = z.array(
  z.strictObject({
    what: z.string(),
    file: z.string(),
    /** Text that the file has once, where `original` alone is there more often. */
    within: z.string().optional(),
    original: z.string(),
    mutated: z.string(),
  }),
);

export interface NamedMutant extends Mutant {
  readonly what: string;
}

/** The mutants, in the order of the file. Throws where a source has no longer what is to be changed. */
export function namedMutants(): NamedMutant[] {
  const named = schema.parse(JSON.parse(readFileSync('test/mutation/named.json', 'utf8')));
  return named.map(({ what, file, within, original, mutated }) => {
    const text = readFileSync(file, 'utf8');
    const place = within ?? original;
    const at = text.indexOf(place);
    if (at < 0 || text.includes(place, at + 1)) throw new Error(`${file} does not have this once: ${place}`);
    const start = at + place.indexOf(original);
    const line = text.slice(0, start).split('\n').length;
    return { what, file, line, start, end: start + original.length, original, mutated };
  });
}
