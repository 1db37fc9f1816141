/**
 * pg-boss, which gives jobs to whoever lives: found where it is installed, checked, and set up for clips. It is an optional peer,
 * so what is used of it is described here.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { messageOf, QuantCacheError } from '../../errors.ts';
import { systemCode } from '../../files/failure.ts';

/** What runs statements: the pool, or one transaction. */
export interface Sql {
  executeSql(text: string, values?: readonly unknown[]): Promise<{ rows: readonly Record<string, unknown>[] }>;
}

export interface Database extends Sql {
  beginTransaction(): Promise<{ readonly db: Sql; commit(): Promise<void>; rollback(): Promise<void> }>;
  /** Connects again by itself; `onConnect` is called each time. */
  listen(
    channel: string,
    onMessage: (payload: string) => void,
    onConnect: () => void,
  ): Promise<{ close(): Promise<void> }>;
}

/** A job as pg-boss gives it out. */
export interface BossJob {
  readonly data: { readonly id: string };
  /** How often it was given out before. */
  readonly retryCount: number;
  /** Fires when the job is not this process's any more. */
  readonly signal: AbortSignal;
}

type Within = { readonly db: Sql };

export interface Boss {
  start(): Promise<unknown>;
  stop(options: { readonly graceful: boolean }): Promise<void>;
  on(event: 'error' | 'warning', listener: (what: { readonly message?: string }) => void): unknown;
  getDb(): Database;
  createQueue(name: string, options: object): Promise<void>;
  send(name: string, data: BossJob['data'], options: { id: string; priority: number } & Within): Promise<unknown>;
  cancel(name: string, id: string, options: Within): Promise<unknown>;
  deleteJob(name: string, id: string, options: Within): Promise<unknown>;
  work(name: string, options: object, handler: (jobs: readonly BossJob[]) => Promise<void>): Promise<string>;
  offWork(name: string, options: { readonly id: string; readonly wait: boolean }): Promise<void>;
}

/** The only queue. */
export const queueName = 'video';

/** The version to install, and those that do: its next major one may be another program. */
const [wanted, range] = ['12.38.0', '12.38 or later of version 12'];

/** pg-boss forgets jobs that wait for longer, and those that run for longer are given out again; both are its longest. */
const [waitSeconds, runSeconds] = [365 * 86_400, 86_400];

/** Opens pg-boss on a database; makes its tables. Throws `missing_peer` where it is not installed, and `io`. */
export async function openBoss(url: string, tell: (message: string) => void): Promise<Boss> {
  const PgBoss = await findBoss();
  try {
    const boss = new PgBoss({
      connectionString: url,
      application_name: 'quantcache',
      schema: 'quantcache_queue',
      max: 6,
      schedule: false,
      useListenNotify: true,
      superviseIntervalSeconds: 2,
      monitorIntervalSeconds: 2,
    });
    boss.on('error', ({ message }) => tell(`The database: ${message}`));
    await boss.start();
    await boss.createQueue(queueName, {
      notify: true,
      // What dies is counted by us, by the reason: returning a job is none.
      retryLimit: 1_000_000,
      retryDelay: 0,
      heartbeatSeconds: 10,
      expireInSeconds: runSeconds,
      retentionSeconds: waitSeconds,
      deleteAfterSeconds: 3600,
    });
    return boss;
  } catch (error) {
    throw databaseError(error);
  }
}

/** How a worker asks for jobs: told at once, and every half second all the same. */
export const workSettings = {
  includeMetadata: true,
  pollingIntervalSeconds: 0.5,
  notifyPollingIntervalSeconds: 0.5,
  heartbeatRefreshSeconds: 1,
};

async function findBoss(): Promise<new (options: object) => Boss> {
  let entry: string;
  try {
    entry = createRequire(import.meta.url).resolve('pg-boss');
  } catch (error) {
    throw new QuantCacheError(
      'missing_peer',
      `A queue in Postgres (DATABASE_URL) needs the package pg-boss. Install it beside quantcache (npm install pg-boss@${wanted}), or unset DATABASE_URL to keep jobs in files.`,
      { cause: error },
    );
  }
  const { version } = JSON.parse(readFileSync(join(dirname(entry), '..', 'package.json'), 'utf8')) as {
    version: string;
  };
  assertVersion(version);
  return ((await import(pathToFileURL(entry).href)) as { PgBoss: new (options: object) => Boss }).PgBoss;
}

/** Throws `missing_peer` for versions of pg-boss whose ways are not known here. */
export function assertVersion(version: string): void {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major === 12 && minor >= 38) return;
  throw new QuantCacheError(
    'missing_peer',
    `pg-boss ${version} is installed; a queue in Postgres needs ${range}. Install it by its number, since npm prefers older ones for older Nodes: npm install pg-boss@${wanted}.`,
  );
}

/** What is wrong with a database, without its password. */
export function databaseError(error: unknown): QuantCacheError {
  if (error instanceof QuantCacheError) return error;
  const reason = systemCode(error) === 'ECONNREFUSED' ? 'nothing listens there' : messageOf(error);
  return new QuantCacheError(
    'io',
    `The database that DATABASE_URL names cannot be used: ${reason}. Write it as postgres://user:password@host:5432/name.`,
    { cause: error },
  );
}

/** A database whose errors say what it is that cannot be used. */
export function explaining(database: Database): Database {
  const explained = (sql: Sql): Sql => ({
    executeSql: (text, values) =>
      sql.executeSql(text, values).catch((error: unknown) => {
        throw databaseError(error);
      }),
  });
  return {
    ...explained(database),
    listen: (...args) => database.listen(...args),
    async beginTransaction() {
      const { db, commit, rollback } = await database.beginTransaction().catch((error: unknown) => {
        throw databaseError(error);
      });
      return { db: explained(db), commit, rollback };
    },
  };
}

/** Does things in one transaction: all of them, or none. */
export async function inTransaction<Result>(database: Database, act: (sql: Sql) => Promise<Result>): Promise<Result> {
  const transaction = await database.beginTransaction();
  try {
    const result = await act(transaction.db);
    await transaction.commit();
    return result;
  } catch (error) {
    await transaction.rollback();
    throw error;
  }
}
