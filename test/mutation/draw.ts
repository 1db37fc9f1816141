/** Which mutants of the parts of the engine are tried: drawn by a seed, a least number from each part. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Mutant, mutantsOf } from './mutants.ts';

/** The parts, each a file or a folder below `src`. */
export const parts = ['execute.ts', 'denoise.ts', 'policy.ts', 'policies', 'calibration', 'quantization', 'samplers'];

export interface DrawRequest {
  readonly seed: number;
  readonly count: number;
  /** From each part, where it has as many. */
  readonly least: number;
}

/** The part that a file belongs to. */
export const partOf = (file: string): string =>
  parts.find((part) => file === `src/${part}` || file.startsWith(`src/${part}/`))!;

/** The sources of a part; tests and their suites are no subject. */
export function filesOf(part: string): string[] {
  if (part.endsWith('.ts')) return [`src/${part}`];
  return readdirSync(join('src', part), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !/\.test\.ts$|(^|\/)(conformance|testing)\.ts$/.test(name))
    .map((name) => `src/${part}/${name}`)
    .sort();
}

/** Every mutant of every part. */
export const allMutants = (): Mutant[] =>
  parts.flatMap(filesOf).flatMap((file) => mutantsOf(file, readFileSync(file, 'utf8')));

/** `count` of the mutants: `least` from each part, the others from all that is left. The same seed draws the same ones. */
export function draw(mutants: readonly Mutant[], { seed, count, least }: DrawRequest): Mutant[] {
  const random = generatorOf(seed);
  const shuffled = mutants
    .map((mutant) => ({ mutant, order: random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ mutant }) => mutant);
  const taken = new Map<string, number>();
  const first = shuffled.filter(({ file }) => {
    const number = (taken.get(partOf(file)) ?? 0) + 1;
    taken.set(partOf(file), number);
    return number <= least;
  });
  const chosen = new Set(first);
  return [...first, ...shuffled.filter((mutant) => !chosen.has(mutant))].slice(0, count);
}

/** Numbers in [0, 1): mulberry32. */
function generatorOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
