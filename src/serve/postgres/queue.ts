/**
 * The queue of many processes on many machines: a table in Postgres says what each job is, pg-boss gives jobs to whoever lives,
 * files lie in a folder that all of them see.
 *
 * Invariants: the table's row and pg-boss's job come and go in one transaction. A row is changed only while it is held, by what
 * it then says. An attempt's number is pg-boss's count of how often it gave the job out; one that is not above the row's never
 * starts, and what an attempt says counts only while the row has its number. So whatever was thought dead and comes back
 * changes nothing.
 */
import { join } from 'node:path';
import { messageOf } from '../../errors.ts';
import { createEventLog } from '../events.ts';
import { openFolders } from '../folders.ts';
import { createJob, isFinished, type Job } from '../job.ts';
import {
  type AttemptNews,
  begun,
  expired,
  type Handler,
  isMadeBy,
  type JobEvent,
  type JobQueue,
  settle,
  stopped,
  told,
  unforeseen,
} from '../queue.ts';
import {
  type BossJob,
  databaseError,
  explaining,
  inTransaction,
  openBoss,
  queueName,
  type Sql,
  workSettings,
} from './boss.ts';
import * as table from './table.ts';

/** Milliseconds between two savings of how far a run is; it is told more often. */
const saveMilliseconds = 1000;

/** What is told to all processes: of jobs only that they changed, since a message is short. */
type Message =
  | { readonly type: 'queued' | 'started' | 'completed' | 'failed' | 'deleted'; readonly id: string }
  | { readonly type: AttemptNews['type']; readonly id: string; readonly news: AttemptNews };

interface Running {
  readonly attempt: number;
  readonly controller: AbortController;
}

export interface PostgresOptions {
  /** postgres://user:password@host:5432/name */
  readonly url: string;
  /** A folder that all machines see. */
  readonly data: string;
  /** Says what people who watch the server should know. */
  readonly tell?: (message: string) => void;
}

/** An attempt ends without its job: pg-boss gives it out again. */
class GiveBack extends Error {}

/** Opens the queue in a database, and makes its tables. Throws `missing_peer` and `io`. */
export async function openPostgresQueue({ url, data, tell = () => {} }: PostgresOptions): Promise<JobQueue> {
  const folders = await openFolders(join(data, 'videos'));
  const boss = await openBoss(url, tell);
  const database = explaining(boss.getDb());
  const log = createEventLog();
  const running = new Map<string, Running>();
  const attending = new Map<string, Promise<void>>();
  const removals = new Set<Promise<void>>();

  /** Events in the order in which they were committed. */
  let hearing: Promise<void> = Promise.resolve();
  async function hear(payload: string): Promise<void> {
    const space = payload.indexOf(' ');
    const message = JSON.parse(payload.slice(space + 1)) as Message;
    const { id } = message;
    const run = running.get(id);
    if (message.type === 'deleted' || message.type === 'failed') run?.controller.abort();
    const publish = (event: JobEvent) => log.publish(event, Number(payload.slice(0, space)));
    if ('news' in message || message.type === 'deleted') return publish(message as JobEvent);
    const job = await table.findJob(database, id);
    if (!job) return;
    if (run && run.attempt < job.attempt) run.controller.abort();
    publish({ type: message.type, id, job });
  }
  const listening = await database
    .listen(
      table.channel,
      (payload) => {
        hearing = hearing.then(() => hear(payload)).catch((error: unknown) => tell(messageOf(error)));
      },
      () => undefined,
    )
    .catch(async (error: unknown) => {
      await boss.stop({ graceful: false });
      throw databaseError(error);
    });
  await table.makeTables(database);
  await removeStrays();

  /** Folders that are no job's are what removals left behind. */
  async function removeStrays(): Promise<void> {
    const ids = await folders.ids();
    const known = await table.knownIds(database, ids);
    for (const id of ids) if (!known.has(id)) await folders.removeStray(id);
  }

  const say = (sql: Sql, message: Message) => table.tellAll(sql, JSON.stringify(message));
  /** Replaces a job by what `next` makes of it, and tells of it; undefined where there is no job or nothing to change. */
  const change = (
    id: string,
    next: (job: Job) => Job | undefined,
    { message, also }: { message: (job: Job) => Message; also?: (sql: Sql) => Promise<unknown> },
  ): Promise<Job | undefined> =>
    inTransaction(database, async (sql) => {
      const before = await table.holdJob(sql, id);
      const after = before && next(before);
      if (!after) return undefined;
      await table.saveJob(sql, after);
      await also?.(sql);
      await say(sql, message(after));
      return after;
    });
  const becoming = (job: Job): Message => ({ type: job.state as 'queued' | 'completed' | 'failed', id: job.id });

  /** Gives a job to a handler. Throws to give it back. */
  async function attend(handler: Handler, given: BossJob, stopping: AbortSignal): Promise<void> {
    if (stopping.aborted) throw new GiveBack();
    const { id } = given.data;
    const number = given.retryCount + 1;
    const job = await change(id, (job) => (isFinished(job) || job.attempt >= number ? undefined : begun(job, number)), {
      message: () => ({ type: 'started', id }),
    });
    if (!job) return;
    const run: Running = { attempt: number, controller: new AbortController() };
    running.set(id, run);
    let ended: Job | undefined;
    try {
      await folders.clear(job);
      const news = createNews(job, number);
      const signal = AbortSignal.any([run.controller.signal, given.signal, stopping]);
      const outcome = await handler({ job, number, signal, report: news.report }).catch(unforeseen);
      await news.told();
      ended = await change(id, (current) => (isMadeBy(current, number) ? settle(current, outcome) : undefined), {
        message: becoming,
      });
    } finally {
      if (running.get(id) === run) running.delete(id);
    }
    const current = ended ?? (await table.findJob(database, id));
    if (!current) await folders.remove(id);
    else if (ended || isFinished(current)) await folders.clear(current);
    else await folders.forgetAttempt(id, number);
    if (ended?.state === 'queued') throw new GiveBack();
  }

  /** Tells what an attempt says, in order, and now and then saves it. */
  function createNews({ id }: Job, attempt: number) {
    let telling: Promise<void> = Promise.resolve();
    let saved = 0;
    const one = async (news: AttemptNews) => {
      const message: Message = { type: news.type, id, news };
      if (news.type === 'preview' || (news.type === 'progress' && Date.now() - saved < saveMilliseconds))
        return table.tellOfAttempt(database, id, attempt, JSON.stringify(message));
      if (news.type === 'progress') saved = Date.now();
      await change(id, (job) => (isMadeBy(job, attempt) ? told(job, news) : undefined), { message: () => message });
    };
    return {
      report(news: AttemptNews) {
        telling = telling.then(() => one(news)).catch((error: unknown) => tell(messageOf(error)));
      },
      told: () => telling,
    };
  }

  return {
    async add(asked, { most } = {}) {
      await folders.make(asked.id);
      const added = await inTransaction(database, async (sql) => {
        const { known, waiting, ofOwner, newest } = await table.standingOf(sql, asked.owner, asked.idempotencyKey);
        if (known) return { kind: 'known', job: known } as const;
        if (most && waiting >= most.waiting) return { kind: 'queue_full', waiting } as const;
        if (most && ofOwner >= most.ofOwner) return { kind: 'owner_full', waiting: ofOwner } as const;
        const job = createJob(asked, Math.max(Date.now(), newest + 1)); // so that creation times tell the order
        await table.insertJob(sql, job);
        await boss.send(queueName, { id: job.id }, { id: job.id, priority: job.priority, db: sql });
        await say(sql, becoming(job));
        return { kind: 'added', job } as const;
      }).catch(async (error: unknown) => {
        await folders.remove(asked.id);
        throw error;
      });
      if (added.kind !== 'added') await folders.remove(asked.id);
      return added;
    },
    get: (id) => table.findJob(database, id),
    async list({ after, limit, order }) {
      const jobs = await table.pageOfJobs(database, { after, limit: limit + 1, order });
      return { jobs: jobs.slice(0, limit), hasMore: jobs.length > limit };
    },
    active: () => table.activeJobs(database),
    async cancel(id) {
      const ended = await change(id, stopped, {
        message: becoming,
        also: (sql) => boss.cancel(queueName, id, { db: sql }),
      });
      running.get(id)?.controller.abort();
      if (ended) return { kind: 'cancelled', job: ended };
      const job = await table.findJob(database, id);
      return job ? { kind: 'finished', job } : { kind: 'unknown' };
    },
    async remove(id) {
      const isRemoved = await inTransaction(database, async (sql) => {
        if (!(await table.deleteJob(sql, id))) return false;
        await boss.deleteJob(queueName, id, { db: sql });
        await say(sql, { type: 'deleted', id });
        return true;
      });
      if (!isRemoved) return false;
      running.get(id)?.controller.abort();
      // Whoever still writes into the folder removes it, too, at its end.
      const removal = Promise.resolve(attending.get(id))
        .then(() => folders.remove(id))
        .catch(() => undefined)
        .finally(() => removals.delete(removal));
      removals.add(removal);
      return true;
    },
    kept: () => table.keptJobs(database),
    async expire(id) {
      const isFinal = await inTransaction(database, async (sql) => {
        const before = await table.holdJob(sql, id);
        const after = before && expired(before);
        if (after) await table.saveJob(sql, after);
        return after !== undefined;
      });
      if (isFinal) await folders.empty(id);
    },
    folderOf: folders.folder,
    makeFolder: folders.make,
    position: (id) => table.placeOf(database, id),
    size: () => table.countJobs(database),
    work(handler, { concurrency }) {
      const stopping = new AbortController();
      const working = boss.work(queueName, { ...workSettings, localConcurrency: concurrency }, async ([given]) => {
        const { id } = given!.data;
        const turn = attend(handler, given!, stopping.signal);
        attending.set(id, turn);
        await turn.finally(() => attending.get(id) === turn && attending.delete(id));
      });
      return {
        async stop() {
          stopping.abort();
          await boss.offWork(queueName, { id: await working, wait: true });
        },
      };
    },
    subscribe: log.subscribe,
    async close() {
      await Promise.all(removals);
      await listening.close();
      await hearing;
      await boss.stop({ graceful: false });
    },
  };
}
