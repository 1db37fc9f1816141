/**
 * The table of videos: what each job is, as the document that files would hold, with columns made from it to search by.
 *
 * The document is `json`, not `jsonb`, which would put the keys of a run's options into another order, and the clip's file
 * tells them in theirs.
 */
import type { Job } from '../job.ts';
import { type Database, inTransaction, type Sql } from './boss.ts';

/** Any number that nobody else takes in this database: of changes of the tables, and of additions, which follow each other. */
const [tablesLock, additionsLock] = [712_940_001, 712_940_002];

/** Where events are told. */
export const channel = 'quantcache_videos';

const tables = `
create schema if not exists quantcache;
create sequence if not exists quantcache.events;
create table if not exists quantcache.videos (
  job json not null,
  id text primary key generated always as (job->>'id') stored,
  state text not null generated always as (job->>'state') stored,
  attempt int not null generated always as ((job->>'attempt')::int) stored,
  priority int not null generated always as ((job->>'priority')::int) stored,
  created_at bigint not null unique generated always as ((job->>'createdAt')::bigint) stored,
  owner text not null generated always as (job->>'owner') stored,
  idempotency_key text generated always as (job->>'idempotencyKey') stored,
  completed_at bigint generated always as ((job->>'completedAt')::bigint) stored,
  expired_at bigint generated always as ((job->>'expiredAt')::bigint) stored,
  unique (owner, idempotency_key)
);
create index if not exists videos_kept on quantcache.videos (completed_at)
  where state in ('completed', 'failed') and expired_at is null;
create index if not exists videos_waiting on quantcache.videos (priority desc, created_at) where state = 'queued';
create index if not exists videos_waiting_of_owner on quantcache.videos (owner) where state = 'queued';
create index if not exists videos_running on quantcache.videos (created_at) where state = 'in_progress';`;

/** Makes what is not there yet; processes that start at the same time follow each other. */
export const makeTables = (database: Database): Promise<void> =>
  inTransaction(database, async (sql) => {
    await sql.executeSql(`select pg_advisory_xact_lock(${tablesLock})`);
    await sql.executeSql(tables);
  });

/** What of the queue a new job depends on. */
export interface Standing {
  /** The job of the same owner and key. */
  readonly known?: Job;
  readonly waiting: number;
  readonly ofOwner: number;
  /** When the newest job was made. */
  readonly newest: number;
}

/** Reads it, and keeps all others that add from doing so until the transaction ends. */
export async function standingOf(sql: Sql, owner: string, key: string | undefined): Promise<Standing> {
  await sql.executeSql(`select pg_advisory_xact_lock(${additionsLock})`);
  const { rows } = await sql.executeSql(
    `select (select job from quantcache.videos where owner = $1 and idempotency_key = $2) as known,
      (select count(*)::int from quantcache.videos where state = 'queued') as waiting,
      (select count(*)::int from quantcache.videos where state = 'queued' and owner = $1) as of_owner,
      coalesce((select max(created_at) from quantcache.videos), 0)::float8 as newest`,
    [owner, key ?? null],
  );
  const [row] = rows;
  return {
    known: (row!.known as Job | null) ?? undefined,
    waiting: row!.waiting as number,
    ofOwner: row!.of_owner as number,
    newest: row!.newest as number,
  };
}

const jobsIn = ({ rows }: { rows: readonly Record<string, unknown>[] }): Job[] => rows.map(({ job }) => job as Job);

export async function insertJob(sql: Sql, job: Job): Promise<void> {
  await sql.executeSql('insert into quantcache.videos (job) values ($1)', [JSON.stringify(job)]);
}

export async function findJob(sql: Sql, id: string): Promise<Job | undefined> {
  return jobsIn(await sql.executeSql('select job from quantcache.videos where id = $1', [id]))[0];
}

/** A job that nobody else changes until the transaction ends. */
export async function holdJob(sql: Sql, id: string): Promise<Job | undefined> {
  return jobsIn(await sql.executeSql('select job from quantcache.videos where id = $1 for update', [id]))[0];
}

export async function saveJob(sql: Sql, job: Job): Promise<void> {
  await sql.executeSql('update quantcache.videos set job = $2 where id = $1', [job.id, JSON.stringify(job)]);
}

/** Removes a job; false where there is none. */
export async function deleteJob(sql: Sql, id: string): Promise<boolean> {
  return (await sql.executeSql('delete from quantcache.videos where id = $1 returning id', [id])).rows.length > 0;
}

/** Jobs by the time of their creation, at most so many. */
export async function pageOfJobs(
  sql: Sql,
  { after, limit, order }: { after?: string; limit: number; order: 'asc' | 'desc' },
): Promise<Job[]> {
  const beyond = order === 'asc' ? '>' : '<';
  const start = `where created_at ${beyond} (select created_at from quantcache.videos where id = $2)`;
  return jobsIn(
    await sql.executeSql(
      `select job from quantcache.videos ${after === undefined ? '' : start} order by created_at ${order} limit $1`,
      after === undefined ? [limit] : [limit, after],
    ),
  );
}

/** Those that run, then those that wait in their order. */
export async function activeJobs(sql: Sql): Promise<Job[]> {
  return jobsIn(
    await sql.executeSql(
      `select job from quantcache.videos where state in ('queued', 'in_progress')
        order by state = 'queued', priority desc, created_at`,
    ),
  );
}

/** Those that ended and whose files are kept, by the time of their end. */
export async function keptJobs(sql: Sql): Promise<Job[]> {
  return jobsIn(
    await sql.executeSql(
      `select job from quantcache.videos where state in ('completed', 'failed') and expired_at is null
        order by completed_at`,
    ),
  );
}

/** 1 for the next of those that wait; undefined for those that do not. */
export async function placeOf(sql: Sql, id: string): Promise<number | undefined> {
  const { rows } = await sql.executeSql(
    `select (select count(*)::int from quantcache.videos other where other.state = 'queued' and
        (other.priority, -other.created_at) >= (own.priority, -own.created_at)) as place
      from quantcache.videos own where id = $1 and state = 'queued'`,
    [id],
  );
  return rows[0]?.place as number | undefined;
}

export async function countJobs(sql: Sql): Promise<{ waiting: number; running: number }> {
  const { rows } = await sql.executeSql(
    `select (select count(*)::int from quantcache.videos where state = 'queued') as waiting,
      (select count(*)::int from quantcache.videos where state = 'in_progress') as running`,
  );
  return rows[0] as { waiting: number; running: number };
}

/** The ids of those that are jobs. */
export async function knownIds(sql: Sql, ids: readonly string[]): Promise<Set<string>> {
  const { rows } = await sql.executeSql('select id from quantcache.videos where id = any($1)', [ids]);
  return new Set(rows.map(({ id }) => id as string));
}

/** Tells everybody who listens, once the transaction ends; `message` has a number before it. Fewer than 8000 bytes. */
export async function tellAll(sql: Sql, message: string): Promise<void> {
  await sql.executeSql(`select pg_notify('${channel}', nextval('quantcache.events') || ' ' || $1)`, [message]);
}

/** Tells it if an attempt is the newest of a job that runs. */
export async function tellOfAttempt(sql: Sql, id: string, attempt: number, message: string): Promise<void> {
  await sql.executeSql(
    `select pg_notify('${channel}', nextval('quantcache.events') || ' ' || $3) from quantcache.videos
      where id = $1 and attempt = $2 and state = 'in_progress'`,
    [id, attempt, message],
  );
}
