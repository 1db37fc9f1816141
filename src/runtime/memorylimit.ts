/**
 * The memory that this process may use: that of the machine, or less where a container or a limit of the process says so.
 * Limits are known on Linux; elsewhere the machine's memory counts.
 */
import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';

/** What the limit is read from; tests bring their own. */
export interface MemorySystem {
  /** The text of a file; throws where there is none. */
  read(path: string): string;
  /** Bytes of the machine. */
  total(): number;
}

const thisSystem: MemorySystem = { read: (path) => readFileSync(path, 'utf8'), total: totalmem };

/** Bytes, and who allows them, as a beginning of a sentence: `this machine has`. */
export interface MemoryLimit {
  readonly bytes: number;
  readonly who: string;
}

/** The least of all limits. */
export function memoryLimit(system: MemorySystem = thisSystem): MemoryLimit {
  const limits: MemoryLimit[] = [
    { bytes: system.total(), who: 'this machine has' },
    ...controlGroupLimits(system).map((bytes) => ({ bytes, who: 'this container may use' })),
    ...processLimits(system).map((bytes) => ({ bytes, who: 'this process may use (ulimit)' })),
  ];
  return limits.reduce((least, limit) => (limit.bytes < least.bytes ? limit : least));
}

/** Of control groups, version 2 with all groups around the process's own, and version 1. */
function controlGroupLimits({ read }: MemorySystem): number[] {
  const own = text(read, '/proc/self/cgroup');
  const second = /^0::(\/.*)$/m.exec(own)?.[1] ?? '/';
  const first = /^\d+:[^:]*\bmemory\b[^:]*:(\/.*)$/m.exec(own)?.[1] ?? '/';
  const files = [
    ...withParents(second).map((group) => `/sys/fs/cgroup${group}/memory.max`),
    ...withParents(first).map((group) => `/sys/fs/cgroup/memory${group}/memory.limit_in_bytes`),
  ];
  return files.map((file) => text(read, file)).flatMap(bytesIn);
}

/** A group and those around it, to the root, which is the empty text. */
function withParents(group: string): string[] {
  const names = group.split('/').filter(Boolean);
  return ['', ...names.map((_, i) => `/${names.slice(0, i + 1).join('/')}`)];
}

/** `prlimit --data` and `--as`. */
const processLimits = ({ read }: MemorySystem): number[] => {
  const limits = text(read, '/proc/self/limits');
  return [/^Max data size\s+(\d+)/m, /^Max address space\s+(\d+)/m].flatMap((line) =>
    bytesIn(line.exec(limits)?.[1] ?? ''),
  );
};

/** A number of bytes, where the text is one and not a word such as `max`. */
const bytesIn = (words: string): number[] => (/^\d+\s*$/.test(words) ? [Number(words)] : []);

function text(read: MemorySystem['read'], path: string): string {
  try {
    return read(path);
  } catch {
    return '';
  }
}
