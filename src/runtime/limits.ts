/**
 * Threads that the system leaves to this process. Where one cannot be started, ONNX Runtime waits for it for ever, so limits
 * are read before. Known on Linux: of the user (`ulimit -u`, which the superuser has not) and of the container.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { QuantCacheError } from '../errors.ts';

/** What the limits are read from; tests bring their own. */
export interface System {
  /** The text of a file; throws where there is none. */
  read(path: string): string;
  /** The names in a folder; throws where there is none. */
  list(path: string): string[];
}

const thisSystem: System = { read: (path) => readFileSync(path, 'utf8'), list: (path) => readdirSync(path) };

/** Threads of all sessions together, beside those of Node: the process stays below 150. */
const most = 120;
/** Threads of one session; beyond, matrices of these sizes gain nothing. */
const mostOfOne = 32;
/** Threads of a session of small weights, which is one of many that take turns. */
const mostOfSmall = 4;
/** Kept free for Node, for encoders and child processes. */
const reserve = 8;

/** Threads that a session has where so many were asked for. */
export const threadsOf = (asked: number, size: 'small' | 'large'): number =>
  Math.min(asked, size === 'small' ? mostOfSmall : mostOfOne);

/** Threads that all sessions together may have, beside those that call them. */
export const threadBudget = (system: System = thisSystem): number => Math.min(most, threadsLeft(system) - reserve);

/** Throws `backend_unavailable` where not even one session can have so many threads. */
export function checkThreads(threads: number, budget: number): void {
  if (threads - 1 <= budget) return;
  const left = Math.max(0, budget);
  const message = `A session with ${threads} threads starts ${threads - 1} more, but the system leaves this process ${left}. Use --threads ${left + 1}, or raise the limit of processes (ulimit -u, or that of the container).`;
  throw new QuantCacheError('backend_unavailable', message);
}

const unlimited = Number.POSITIVE_INFINITY;

function threadsLeft(system: System): number {
  return Math.min(...[leftToUser, leftInContainer].map((count) => known(() => count(system)) ?? unlimited));
}

function leftToUser({ read, list }: System): number {
  const limit = /^Max processes\s+(\d+)/m.exec(read('/proc/self/limits'))?.[1];
  const user = userOf(read('/proc/self/status'));
  if (limit === undefined || user === '0') return unlimited;
  const processes = list('/proc').filter((name) => /^\d+$/.test(name));
  const statuses = processes.map((id) => known(() => read(`/proc/${id}/status`)) ?? '');
  const own = statuses.filter((status) => userOf(status) === user);
  return Number(limit) - own.reduce((sum, status) => sum + Number(/^Threads:\s+(\d+)/m.exec(status)?.[1] ?? 1), 0);
}

/** The user that processes are counted for. */
const userOf = (status: string): string | undefined => /^Uid:\s+(\d+)/m.exec(status)?.[1];

/** Of control groups, version 2 and 1; the nearest group counts. */
function leftInContainer({ read }: System): number {
  const path = /^0::(.*)$/m.exec(read('/proc/self/cgroup'))?.[1] ?? '';
  const folders = [`/sys/fs/cgroup${path}`, '/sys/fs/cgroup', '/sys/fs/cgroup/pids'];
  const limits = folders.map((folder) =>
    known(() => Number(read(`${folder}/pids.max`)) - Number(read(`${folder}/pids.current`))),
  );
  return Math.min(...limits.map((left) => (left === undefined || Number.isNaN(left) ? unlimited : left)));
}

/** What cannot be read says nothing. */
function known<Result>(read: () => Result): Result | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
