/** Says at the end how many inputs there were: each target adds a line to a file, as files run in processes of their own. */
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const variable = 'FUZZ_COUNTS_FILE';

/** Counts a finished target. */
export function countTarget(inputs: number, refused: number, seed: number): void {
  appendFileSync(process.env[variable]!, `${inputs} ${refused} ${seed}\n`);
}

/** Run by vitest before everything; what it returns runs after everything. */
export default function prepare(): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'quantcache-fuzz-total-'));
  const file = join(folder, 'counts');
  writeFileSync(file, '');
  process.env[variable] = file;
  return () => {
    const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
    const targets = lines.map((line) => line.split(' ').map(Number) as [number, number, number]);
    rmSync(folder, { recursive: true });
    const sum = (column: 0 | 1) => targets.reduce((total, target) => total + target[column], 0);
    const seeds = [...new Set(targets.map(([, , seed]) => seed))].join(', ');
    const least = Math.min(...targets.map(([inputs]) => inputs));
    console.error(
      targets.length === 0
        ? 'fuzz: no target ended well'
        : `fuzz: ${sum(0)} inputs, ${sum(1)} refused, in ${targets.length} targets of at least ${least} that ended well, seed ${seeds}`,
    );
  };
}
