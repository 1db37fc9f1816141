/** Where and on what a measurement was made, so that a figure can be judged and repeated. */
import { execFileSync } from 'node:child_process';
import { arch, cpus, loadavg, platform, totalmem } from 'node:os';
import { type Backend, type Runtime, version } from '../index.ts';
import { spreadOf } from './spread.ts';

export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly system: string;
  readonly node: string;
  readonly runtime: string;
  readonly backend: Backend;
  /** What was typed. */
  readonly command: string;
  readonly version: string;
  readonly commit: string;
  /** Processes that wanted a core over the last minute; above the number of cores, times are too long. */
  readonly load: number;
  readonly date: string;
}

/** Describes this machine at this moment. */
export function describeMachine(runtime: Runtime): Machine {
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryBytes: totalmem(),
    system: `${platform()} ${arch()}`,
    node: process.version,
    runtime: runtime.description,
    backend: runtime.backend,
    command: ['quantcache', ...process.argv.slice(2)].map(quoted).join(' '),
    version,
    commit: commit(),
    load: Math.round(loadavg()[0]! * 100) / 100,
    date: new Date().toISOString(),
  };
}

/** Whether more processes wanted a core than there are: times by the clock then say little, processor times more. */
export function isBusy({
  machines,
  clips,
}: {
  readonly machines: readonly Machine[];
  readonly clips: readonly { readonly load: number }[];
}): boolean {
  const cores = machines.at(-1)?.cores ?? Number.POSITIVE_INFINITY;
  return clips.length > 0 && spreadOf(clips.map(({ load }) => load)).median > cores + 1;
}

/** An argument as a shell takes it. */
const quoted = (text: string): string => (/^[\w@#:=./,+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], {
      cwd: import.meta.dirname,
      stdio: ['ignore', 'pipe', 'ignore'],
    })
      .toString()
      .trim();
  } catch {
    return 'unknown';
  }
}

/** The largest resident memory this process has had, mapped weights included, in bytes. */
export const peakMemory = (): number => process.resourceUsage().maxRSS * 1024;
