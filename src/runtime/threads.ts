/**
 * How many threads sessions may have. ONNX Runtime gives each session a pool of its own for as long as it is open, and there
 * are hundreds of sessions: so a session here is closed when others need its threads, and opened again when it runs.
 *
 * Invariants: open sessions have no more threads of their own than the budget; one that runs is never closed. How many
 * threads a session has depends on the session and never on what else is open, so that results do not.
 */
import { serialQueue } from './queue.ts';

/** A session that can be closed and opened again. */
export interface Reopened<Opened> {
  /** Does something with the session, opening it if it is closed. */
  use<Result>(task: (opened: Opened) => Promise<Result>): Promise<Result>;
  /** Closes it for good. */
  dispose(): Promise<void>;
}

interface Entry<Opened> {
  readonly own: number;
  readonly open: () => Promise<Opened>;
  opened: Opened | undefined;
  running: number;
  used: number;
}

/** Sessions that share a budget of threads. */
export interface ThreadPool<Opened> {
  /** A session with so many threads, the caller's own among them, open from now on for as long as there is room. */
  add(threads: number, open: () => Promise<Opened>): Promise<Reopened<Opened>>;
}

/** No sessions yet. */
export function threadPool<Opened extends { release(): Promise<void> }>(budget: number): ThreadPool<Opened> {
  const entries = new Set<Entry<Opened>>();
  const queue = serialQueue();
  let clock = 0;

  async function close(entry: Entry<Opened>): Promise<void> {
    const { opened } = entry;
    entry.opened = undefined;
    await opened?.release();
  }

  /** Closes others until there are threads for one more. */
  async function makeRoom({ own }: Entry<Opened>): Promise<void> {
    if (own === 0) return;
    for (;;) {
      const open = [...entries].filter((entry) => entry.opened && entry.own > 0);
      if (open.reduce((sum, entry) => sum + entry.own, own) <= budget) return;
      const idle = open.filter(({ running }) => running === 0).sort((a, b) => a.used - b.used);
      if (idle.length === 0) return;
      // Sessions run in turns, so the one that ran last is the last to be needed again; what no turn needs any more goes first.
      const unused = clock - idle[0]!.used > 2 * entries.size;
      await close(unused ? idle[0]! : idle.at(-1)!);
    }
  }

  return {
    async add(threads, open) {
      const entry: Entry<Opened> = { own: threads - 1, open, opened: undefined, running: 0, used: clock };
      const ensureOpen = async () => {
        if (entry.opened) return;
        await makeRoom(entry);
        entry.opened = await entry.open();
        entries.add(entry);
      };
      await queue(ensureOpen);
      return {
        async use(task) {
          entry.used = ++clock;
          entry.running++;
          try {
            if (!entry.opened) await queue(ensureOpen);
            return await task(entry.opened!);
          } finally {
            entry.running--;
          }
        },
        async dispose() {
          entries.delete(entry);
          await queue(() => close(entry));
        },
      };
    },
  };
}
