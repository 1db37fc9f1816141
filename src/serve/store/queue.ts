/**
 * The queue of one process, kept in files: nothing to install. Jobs are in memory, and a job's file is replaced whole before
 * anybody hears of a change, so that a process that is killed at any moment finds on its next start what it had promised.
 *
 * Invariant: changes of one job follow each other (`change`), each seeing what the one before left.
 */
import { join } from 'node:path';
import { createEventLog } from '../events.ts';
import { openFolders } from '../folders.ts';
import { createJob, isFinished, type Job } from '../job.ts';
import {
  type Added,
  type Attempt,
  begun,
  expired,
  type Handler,
  isMadeBy,
  type JobQueue,
  settle,
  stopped,
  told,
  unforeseen,
  type Worker,
} from '../queue.ts';
import { createDocuments } from './documents.ts';
import { lockFolder } from './lock.ts';
import { createWaitingList } from './waiting.ts';

interface Running {
  readonly attempt: number;
  readonly controller: AbortController;
  /** Resolves when the handler is done with it. */
  done: Promise<void>;
}

interface Crew {
  readonly handler: Handler;
  readonly concurrency: number;
  readonly busy: Set<Promise<void>>;
  readonly stopping: AbortController;
}

/** Opens the queue in a folder. Jobs that ran when its last process ended wait again. Throws `io` where another process has it. */
export async function openFileQueue(data: string): Promise<JobQueue> {
  const folders = await openFolders(join(data, 'jobs'));
  const unlock = await lockFolder(data);
  const documents = createDocuments(folders);
  const log = createEventLog();
  const jobs = new Map<string, Job>();
  const keys = new Map<string, Promise<Job>>();
  const waiting = createWaitingList();
  const running = new Map<string, Running>();
  const crews = new Set<Crew>();
  const tails = new Map<string, Promise<unknown>>();
  const removals = new Set<Promise<void>>();
  let newest = 0;
  /** Jobs that are being saved for the first time. */
  let arriving = 0;

  for (const saved of await documents.load()) {
    const job: Job = saved.state === 'in_progress' ? { ...saved, state: 'queued' } : saved;
    jobs.set(job.id, job);
    if (job.state === 'queued') waiting.add(job);
    if (job.idempotencyKey !== undefined) keys.set(keyOf(job), Promise.resolve(job));
    newest = Math.max(newest, job.createdAt);
  }

  /** Runs after all that was begun before for the same job. */
  const inTurn = <Result>(id: string, act: () => Promise<Result>): Promise<Result> => {
    const result = (tails.get(id) ?? Promise.resolve()).then(act);
    const tail = result.catch(() => undefined);
    tails.set(id, tail);
    void tail.then(() => tails.get(id) === tail && tails.delete(id));
    return result;
  };
  /** Replaces a job by what `next` makes of it, first on the disk; undefined where there is no job or nothing to change. */
  const change = (id: string, next: (job: Job) => Job | undefined): Promise<Job | undefined> =>
    inTurn(id, async () => {
      const before = jobs.get(id);
      const after = before && next(before);
      if (!after) return undefined;
      await documents.save(after);
      if (!jobs.has(id)) return undefined; // removed meanwhile
      jobs.set(id, after);
      return after;
    });
  /** Gives waiting jobs to handlers that have time. */
  function dispatch(): void {
    for (const crew of crews) {
      while (!crew.stopping.signal.aborted && crew.busy.size < crew.concurrency) {
        const job = waiting.take();
        if (!job) return;
        const turn: Promise<void> = runOne(crew, job).finally(() => {
          crew.busy.delete(turn);
          dispatch();
        });
        crew.busy.add(turn);
      }
    }
  }

  async function runOne(crew: Crew, taken: Job): Promise<void> {
    const controller = new AbortController();
    const started = await change(taken.id, (job) => (job.state === 'queued' ? begun(job, job.attempt + 1) : undefined));
    if (!started) return;
    const entry: Running = { attempt: started.attempt, controller, done: Promise.resolve() };
    running.set(started.id, entry);
    entry.done = attend(crew, started, controller);
    log.publish({ type: 'started', id: started.id, job: started });
    await entry.done;
  }

  async function attend(crew: Crew, job: Job, controller: AbortController): Promise<void> {
    await folders.clear(job);
    const attempt: Attempt = {
      job,
      number: job.attempt,
      signal: AbortSignal.any([controller.signal, crew.stopping.signal]),
      report(news) {
        const current = jobs.get(job.id);
        if (!current || !isMadeBy(current, job.attempt)) return;
        jobs.set(job.id, told(current, news));
        log.publish({ type: news.type, id: job.id, news });
      },
    };
    const outcome = await crew.handler(attempt).catch(unforeseen);
    const ended = await change(job.id, (current) =>
      isMadeBy(current, job.attempt) ? settle(current, outcome) : undefined,
    );
    await folders.clear(ended ?? { ...job, state: 'failed' });
    running.delete(job.id);
    if (ended) tell(ended);
  }

  /** Says what a job has become. */
  function tell(job: Job): void {
    if (job.state === 'queued') {
      waiting.add(job);
      log.publish({ type: 'queued', id: job.id, job });
      dispatch();
    } else log.publish({ type: job.state as 'completed' | 'failed', id: job.id, job });
  }

  /** What came of a job that was not taken; the files that were made for it are removed. */
  async function refused(id: string, reason: Added): Promise<Added> {
    await folders.remove(id);
    return reason;
  }

  return {
    async add(asked, { most } = {}) {
      const key = asked.idempotencyKey === undefined ? undefined : keyOf(asked);
      const first = key === undefined ? undefined : keys.get(key);
      if (first) {
        const job = await first;
        await folders.remove(asked.id);
        return { kind: 'known', job: jobs.get(job.id) ?? job };
      }
      // No waiting from here to where the key and the place are taken: who comes in between would take them, too.
      const total = waiting.jobs.length + arriving;
      if (most && total >= most.waiting) return refused(asked.id, { kind: 'queue_full', waiting: total });
      const own = waiting.jobs.filter(({ owner }) => owner === asked.owner).length;
      if (most && own >= most.ofOwner) return refused(asked.id, { kind: 'owner_full', waiting: own });
      newest = Math.max(Date.now(), newest + 1); // so that creation times tell the order
      const job = createJob(asked, newest);
      arriving++;
      const saved = folders.make(job.id).then(() => documents.save(job));
      if (key !== undefined)
        keys.set(
          key,
          saved.then(() => job),
        );
      try {
        await saved;
      } catch (error) {
        if (key !== undefined) keys.delete(key);
        throw error;
      } finally {
        arriving--;
      }
      jobs.set(job.id, job);
      tell(job);
      return { kind: 'added', job };
    },
    get: async (id) => jobs.get(id),
    async list({ after, limit, order }) {
      const all = [...jobs.values()].sort((a, b) => a.createdAt - b.createdAt);
      if (order === 'desc') all.reverse();
      const start = after === undefined ? 0 : all.findIndex(({ id }) => id === after) + 1;
      return { jobs: all.slice(start, start + limit), hasMore: all.length > start + limit };
    },
    active: async () => [
      ...[...running.keys()].flatMap((id) => jobs.get(id) ?? []).filter((job) => !isFinished(job)),
      ...waiting.jobs,
    ],
    async cancel(id) {
      const ended = await change(id, stopped);
      const job = jobs.get(id);
      if (!job) return { kind: 'unknown' };
      if (!ended) return { kind: 'finished', job };
      waiting.remove(ended);
      running.get(id)?.controller.abort();
      tell(ended);
      return { kind: 'cancelled', job: ended };
    },
    async remove(id) {
      const job = jobs.get(id);
      if (!job) return false;
      jobs.delete(id);
      if (job.idempotencyKey !== undefined) keys.delete(keyOf(job));
      waiting.remove(job);
      running.get(id)?.controller.abort();
      await inTurn(id, () => documents.forget(id));
      log.publish({ type: 'deleted', id });
      // Whoever still writes into the folder is waited for, but not by who asks for the removal.
      const removal = Promise.resolve(running.get(id)?.done)
        .then(() => folders.remove(id))
        .catch(() => undefined)
        .finally(() => removals.delete(removal));
      removals.add(removal);
      return true;
    },
    kept: async () =>
      [...jobs.values()]
        .filter((job) => isFinished(job) && job.expiredAt === undefined)
        .sort((a, b) => a.completedAt! - b.completedAt!),
    async expire(id) {
      if (await change(id, expired)) await folders.empty(id);
    },
    folderOf: folders.folder,
    makeFolder: folders.make,
    async position(id) {
      const job = jobs.get(id);
      return job && waiting.position(job);
    },
    size: async () => ({ waiting: waiting.jobs.length, running: running.size }),
    work(handler, { concurrency }): Worker {
      const crew: Crew = { handler, concurrency, busy: new Set(), stopping: new AbortController() };
      crews.add(crew);
      dispatch();
      return {
        async stop() {
          crew.stopping.abort();
          await Promise.all(crew.busy);
          crews.delete(crew);
        },
      };
    },
    subscribe: log.subscribe,
    async close() {
      await Promise.all([...tails.values(), ...removals]);
      await unlock();
    },
  };
}

const keyOf = ({ owner, idempotencyKey }: Pick<Job, 'owner' | 'idempotencyKey'>): string =>
  `${owner} ${idempotencyKey}`;
