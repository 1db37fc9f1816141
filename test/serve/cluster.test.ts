/**
 * A server and three workers on one Postgres, while all of them and their engines are killed, stopped and woken: no job is lost,
 * none is published twice, no file is left over. The program must be built.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { newJob } from '../../src/serve/conformance.ts';
import { openPostgresQueue } from '../../src/serve/postgres/queue.ts';
import { missing, startPostgres, type TestPostgres } from '../../src/serve/postgres/testing.ts';
import type { JobQueue, QueueEvent } from '../../src/serve/queue.ts';

/** In CI; CLUSTER_JOBS=200 CLUSTER_KILLS=15 takes two minutes. */
const jobs = Number(process.env.CLUSTER_JOBS ?? 60);
const kills = Number(process.env.CLUSTER_KILLS ?? 6);
const folder = mkdtempSync(join(tmpdir(), 'quantcache-cluster-'));
const pause = (milliseconds: number) => new Promise((tick) => setTimeout(tick, milliseconds));

describe.skipIf(missing)(`a cluster${missing ? `: ${missing}` : ''}`, { timeout: 300_000 }, () => {
  let postgres: TestPostgres;
  let queue: JobQueue;
  let database = '';
  let data = '';
  const events: QueueEvent[] = [];
  const living = new Set<ChildProcess>();

  beforeAll(async () => {
    if (!existsSync('dist/serve/worker.js')) throw new Error('The program is not built; run "npm run build".');
    postgres = await startPostgres();
    database = await postgres.database('cluster');
    data = join(folder, 'data');
    queue = await openPostgresQueue({ url: database, data });
    queue.subscribe((event) => events.push(event));
  }, 60_000);
  afterAll(async () => {
    for (const child of living) child.kill('SIGKILL');
    await queue.close();
    await postgres.stop();
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  /** What a test leaves that failed is not to disturb the next one. */
  afterEach(async () => {
    for (const child of living) await kill(child);
    for (const { id } of await queue.active()) await queue.remove(id);
  }, 60_000);

  /** Starts a worker, or a server that leaves the clips to them. */
  async function start(what: 'worker' | 'server'): Promise<ChildProcess> {
    const args = what === 'worker' ? ['worker', data, '1'] : ['0', data, '0'];
    const child = spawn(process.execPath, [resolve('test/serve/fake.mjs'), ...args], {
      env: { ...process.env, DATABASE_URL: database, FAKE_ENGINE_STEP: '60' },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    living.add(child);
    await new Promise((ready) => child.stdout!.once('data', ready));
    return child;
  }

  async function kill(child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const gone = new Promise((done) => child.once('exit', done));
    child.kill(signal);
    await gone;
    living.delete(child);
  }

  /** Kills a worker's engine, if it has one that lives. */
  function killEngine({ pid }: ChildProcess): void {
    const { stdout } = spawnSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' });
    const engine = Number(stdout.trim());
    if (engine > 0) process.kill(engine, 'SIGKILL');
  }

  const endsOf = (id: string) =>
    events.filter((event) => event.id === id && (event.type === 'completed' || event.type === 'failed'));

  /** Waits until something is so. */
  async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
    while (!(await isSo())) await pause(50); // or the test's time is over
  }

  async function add(prompt: string): Promise<string> {
    const job = newJob(prompt);
    await queue.add(job);
    return job.id;
  }

  /** The job ended once, completed, with the files of its last attempt and no others. */
  async function assertMade(id: string): Promise<void> {
    expect(endsOf(id).map(({ type }) => type)).toEqual(['completed']);
    const { attempt } = (await queue.get(id))!;
    const files = ['map.svg', 'mp4', 'spritesheet.png', 'thumbnail.png'].map((name) => `${attempt}.${name}`);
    expect(readdirSync(queue.folderOf(id)).sort()).toEqual(files);
  }

  test('whatever dies when', async () => {
    const ids: string[] = [];
    for (let i = 0; i < jobs; i++) ids.push(await add(`job ${i}`));
    const workers = [await start('worker'), await start('worker'), await start('worker')];
    let server = await start('server');
    for (let turn = 0; turn < kills; turn++) {
      await pause(1500 + 137 * (turn % 5));
      const victim = turn % 3;
      if (turn % 5 === 3) {
        await kill(server);
        server = await start('server');
      } else if (turn % 5 === 1) {
        killEngine(workers[victim]!);
      } else {
        await kill(workers[victim]!);
        workers[victim] = await start('worker');
      }
    }
    await until(async () => {
      const { waiting, running } = await queue.size();
      return waiting + running === 0;
    });
    const last = await add('the last one');
    await until(() => endsOf(last).length > 0); // so all events before it were heard
    for (const id of [...ids, last]) await assertMade(id);
    expect(readdirSync(join(data, 'videos')).sort()).toEqual([...ids, last].sort());
    const attempts = await Promise.all(ids.map(async (id) => (await queue.get(id))!.attempt));
    expect(attempts.filter((attempt) => attempt > 1).length).toBeGreaterThan(0);
    for (const child of [...workers, server]) await kill(child);
  });

  test('a worker that stood still and wakes after another took its job changes nothing', async () => {
    const first = await start('worker');
    const id = await add('long');
    await until(async () => (await queue.get(id))?.state === 'in_progress');
    const taken = performance.now();
    first.kill('SIGSTOP');
    const other = await start('worker');
    await until(async () => (await queue.get(id))?.attempt === 2);
    expect(performance.now() - taken).toBeLessThan(25_000);
    first.kill('SIGCONT');
    await until(() => endsOf(id).length > 0);
    await pause(1000); // for what the first one might still do
    await assertMade(id);
    for (const child of [first, other]) await kill(child);
  });

  test('a worker that is told to end returns its job, and another one makes it', async () => {
    const first = await start('worker');
    const id = await add('long');
    await until(async () => (await queue.get(id))?.state === 'in_progress');
    await kill(first, 'SIGTERM');
    expect(await queue.get(id)).toMatchObject({ state: 'queued', attempt: 1, crashes: 0 });
    const other = await start('worker');
    await until(() => endsOf(id).length > 0);
    await assertMade(id);
    await kill(other);
  });

  test('a job that kills engines ends after two, whatever way they die, and the worker goes on', async () => {
    const worker = await start('worker');
    const ids = [await add('crash'), await add('greedy')];
    for (const id of ids) {
      await until(() => endsOf(id).length > 0);
      expect(await queue.get(id)).toMatchObject({ state: 'failed', attempt: 2, error: { code: 'engine_crashed' } });
      expect(readdirSync(queue.folderOf(id))).toEqual([]);
    }
    const good = await add('good');
    await until(() => endsOf(good).length > 0);
    await assertMade(good);
    await kill(worker);
  });

  test('a database that is gone for a while ends nobody, and the job that ran is made', async () => {
    const [worker, server] = [await start('worker'), await start('server')];
    const id = await add('long');
    await until(async () => (await queue.get(id))?.state === 'in_progress');
    await postgres.interrupt(1500);
    await until(async () => (await queue.get(id).catch(() => undefined))?.state === 'completed');
    const next = await add('next');
    await until(async () => (await queue.get(next))?.state === 'completed');
    for (const made of [id, next])
      expect(readdirSync(queue.folderOf(made)).filter((name) => /mp4/.test(name))).toHaveLength(1);
    expect([worker.exitCode, server.exitCode]).toEqual([null, null]);
    for (const child of [worker, server]) await kill(child);
  });

  test('a job that is cancelled from another process stops within three seconds', async () => {
    const worker = await start('worker');
    const id = await add('long');
    await until(async () => (await queue.get(id))?.state === 'in_progress');
    await queue.cancel(id);
    const next = await add('next');
    const told = performance.now();
    await until(async () => (await queue.get(next))?.state !== 'queued');
    expect(performance.now() - told).toBeLessThan(3000);
    await until(() => endsOf(next).length > 0);
    expect(endsOf(id).map(({ type }) => type)).toEqual(['failed']);
    expect(readdirSync(queue.folderOf(id))).toEqual([]);
    await kill(worker);
  });
});
