/**
 * The server: a queue, engines in processes of their own, and HTTP, put together and taken apart again. Nothing here loads the
 * engine itself.
 *
 * It stops gracefully: no more requests, running jobs go back to the queue, engines end, the folder is unlocked.
 */
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { getRequestListener } from '@hono/node-server';
import { messageOf, QuantCacheError } from '../errors.ts';
import { systemCode } from '../files/failure.ts';
import { createApp } from './http/app.ts';
import { leastKeyCharacters } from './http/auth.ts';
import { defaultSettings, type ServeSettings } from './http/settings.ts';
import { openPostgresQueue } from './postgres/queue.ts';
import type { JobQueue } from './queue.ts';
import { startRetention } from './retention.ts';
import { openFileQueue } from './store/queue.ts';
import { createHandler } from './work.ts';
import { createEngines, type EnginesOptions } from './worker.ts';

/** Without engines of its own it leaves clips to workers. */
export interface ServerOptions extends EnginesOptions {
  readonly host: string;
  /** 0 takes any that is free. */
  readonly port: number;
  /** Folder of the files of jobs. */
  readonly data: string;
  /** Address of the database that jobs are kept in; without one they are files. */
  readonly database?: string;
  readonly settings?: Partial<ServeSettings>;
  /** For tests: the studio's folder. */
  readonly studio?: string;
}

export interface RunningServer {
  /** Where it listens. */
  readonly url: string;
  /** The studio's address; with keys it holds a token that opens one session. */
  readonly studioUrl: string;
  /** Resolves when the model is open; rejects where it cannot be. */
  readonly ready: Promise<void>;
  stop(): Promise<void>;
}

/** Milliseconds that a client has to send the head of a request. */
const headPatience = 10_000;

/** Starts a server. Throws `invalid_option` for what would be open to strangers, and `io`. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { host, tell = () => {} } = options;
  const settings: ServeSettings = { ...defaultSettings, ...options.settings };
  assertKeys(host, settings.keys);
  const queue = await openQueue(options);
  // What the model offers is its engine's to say, also where others make the clips.
  const engines = createEngines({ ...options, engines: Math.max(1, options.engines) });
  let isReady = false;
  // The first one opens at once, the others when there is work for them.
  const ready = engines[0]!.open().then(() => {
    isReady = true;
  });
  ready.catch(() => undefined); // whoever needs it hears of it
  const studioToken = settings.keys.length > 0 ? randomBytes(24).toString('base64url') : undefined;
  const app = await createApp(
    {
      queue,
      offer: () => engines[0]!.open(),
      isReady: () => isReady,
      settings,
      studioToken,
      crashes: () => engines.reduce((sum, engine) => sum + engine.crashes, 0),
    },
    { studio: options.studio, onError: (error) => tell(`error: ${stackOf(error)}`) },
  );
  const worker =
    options.engines > 0
      ? queue.work(createHandler({ engines, folderOf: queue.folderOf }), { concurrency: options.engines })
      : undefined;
  const endRetention = startRetention(queue, settings.keep, tell);
  const server = createServer(
    {
      requestTimeout: settings.bodyPatience,
      headersTimeout: Math.min(headPatience, settings.bodyPatience),
      connectionsCheckingInterval: Math.min(1000, settings.bodyPatience),
      keepAliveTimeout: 5000,
    },
    getRequestListener(app.fetch),
  );
  const close = async () => {
    endRetention();
    await worker?.stop();
    await Promise.all(engines.map((engine) => engine.close()));
    await queue.close();
  };
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(options.port, host, resolve);
    });
  } catch (error) {
    await close();
    throw listenError(error, options);
  }
  const { port } = server.address() as { port: number };
  const url = `http://${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
  return {
    url,
    studioUrl: studioToken === undefined ? `${url}/` : `${url}/#token=${studioToken}`,
    ready,
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      app.close();
      server.closeIdleConnections();
      await close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function openQueue({ database, data, engines, tell }: ServerOptions): Promise<JobQueue> {
  if (database !== undefined) return openPostgresQueue({ url: database, data, tell });
  if (engines > 0) return openFileQueue(data);
  throw new QuantCacheError(
    'invalid_option',
    'A server without engines leaves its clips to workers, which share a queue in Postgres: set DATABASE_URL, or give --engines 1.',
  );
}

const loopback = new Set(['localhost', '127.0.0.1', '::1']);

/** Whoever reaches a server without keys may use it: only this machine may. */
function assertKeys(host: string, keys: readonly string[]): void {
  if (keys.some((key) => key.length < leastKeyCharacters))
    throw new QuantCacheError(
      'invalid_option',
      `A key is shorter than ${leastKeyCharacters} characters. Make one with: openssl rand -hex 24.`,
    );
  if (keys.length > 0 || loopback.has(host)) return;
  throw new QuantCacheError(
    'invalid_option',
    `Listening on ${host} would let anybody who reaches this machine use it. Give a key (--api-key or QUANTCACHE_API_KEY), or listen on 127.0.0.1.`,
  );
}

function listenError(error: unknown, { host, port }: ServerOptions): QuantCacheError {
  const code = systemCode(error);
  const reason =
    code === 'EADDRINUSE'
      ? 'another program listens there. Choose another --port'
      : code === 'EACCES'
        ? 'permission was denied. Choose a --port above 1023'
        : messageOf(error);
  return new QuantCacheError('io', `Cannot listen on ${host}, port ${port}: ${reason}.`, { cause: error });
}

/** Of errors that are ours to mend: where they came from. Requests' contents are not in it. */
const stackOf = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error));

/** The default folder of jobs below the user's own. */
export const dataFolderIn = (home: string): string => join(home, 'serve');
