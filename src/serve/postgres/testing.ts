/**
 * A Postgres of its own for tests: started by them where its programs are installed, as a user that is not root, and a database
 * for each that asks. `.ci/run` installs Debian's, and pg-boss in a folder that NODE_PATH names.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { join } from 'node:path';

/** Whether pg-boss is found. */
export const isInstalled = ((): boolean => {
  try {
    return createRequire(import.meta.url).resolve('pg-boss') !== '';
  } catch {
    return false;
  }
})();

/** What a test needs and does not find here; undefined where all is there. */
export const missing =
  programs() === undefined
    ? 'Postgres is not installed (Debian: postgresql)'
    : isInstalled
      ? undefined
      : 'pg-boss is not installed (name a folder with it in NODE_PATH)';

/** The newest version's folder of programs. */
function programs(): string | undefined {
  const root = '/usr/lib/postgresql';
  const versions = existsSync(root)
    ? readdirSync(root)
        .map(Number)
        .sort((a, b) => b - a)
    : [];
  return versions.map((version) => join(root, String(version), 'bin')).find((bin) => existsSync(join(bin, 'postgres')));
}

export interface TestPostgres {
  /** The address of a new database, empty or like another one that nobody uses; the same name gives the same one. */
  database(name: string, like?: string): Promise<string>;
  /** Ends, and comes back after so many milliseconds. */
  interrupt(milliseconds: number): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a server on a free port of this machine; its files are removed at its end. */
export async function startPostgres(): Promise<TestPostgres> {
  const bin = programs()!;
  const folder = mkdtempSync('/tmp/quantcache-postgres-');
  const user = process.getuid!() === 0 ? idOf('postgres') : undefined;
  if (user) chownSync(folder, user.uid, user.gid);
  const files = join(folder, 'data');
  const run = { ...user, cwd: folder, stdio: 'ignore' as const };
  execFileSync(join(bin, 'initdb'), ['-D', files, '-U', 'test', '-A', 'trust', '-E', 'UTF8', '--no-sync'], run);
  const port = await freePort();
  const settings = [
    'listen_addresses=127.0.0.1',
    'fsync=off',
    'max_connections=200',
    `unix_socket_directories=${folder}`,
  ];
  const args = ['-D', files, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])];
  let server = spawn(join(bin, 'postgres'), args, run);
  const end = async () => {
    const ended = new Promise((resolve) => server.once('exit', resolve));
    server.kill('SIGINT');
    await ended;
  };
  const sql = (statement: string) =>
    execFileSync(
      join(bin, 'psql'),
      ['-h', '127.0.0.1', '-p', String(port), '-U', 'test', '-c', statement, 'postgres'],
      {
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    );
  await ready(sql, server);
  const known = new Set<string>();
  return {
    async database(name, like = 'template1') {
      if (!known.has(name)) sql(`create database "${name}" template "${like}"`);
      known.add(name);
      return `postgres://test@127.0.0.1:${port}/${name}`;
    },
    async interrupt(milliseconds) {
      await end();
      await new Promise((tick) => setTimeout(tick, milliseconds));
      server = spawn(join(bin, 'postgres'), args, run);
      await ready(sql, server);
    },
    async stop() {
      await end();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function idOf(user: string): { uid: number; gid: number } {
  const id = (option: string) => Number(execFileSync('id', [option, user], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

async function ready(sql: (statement: string) => unknown, server: ChildProcess): Promise<void> {
  for (;;) {
    try {
      sql('select 1');
      return;
    } catch (error) {
      if (server.exitCode !== null) throw error;
      await new Promise((tick) => setTimeout(tick, 50));
    }
  }
}

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
