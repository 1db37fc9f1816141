/** The queue in Postgres: the suite of all queues. */
import { existsSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { newJob, result, testQueue } from '../conformance.ts';
import type { Attempt, JobQueue } from '../queue.ts';
import { assertVersion, openBoss } from './boss.ts';
import { openPostgresQueue } from './queue.ts';
import { isInstalled, missing, startPostgres, type TestPostgres } from './testing.ts';

test('versions of pg-boss whose ways are not known are refused, with the number of one that is', () => {
  assertVersion('12.38.0');
  assertVersion('12.40.1');
  for (const version of ['10.4.2', '12.37.9', '13.0.0'])
    expect(() => assertVersion(version)).toThrow(`pg-boss ${version} is installed`);
});

describe.skipIf(missing)(`the queue in Postgres${missing ? `: ${missing}` : ''}`, () => {
  let postgres: TestPostgres;
  beforeAll(async () => {
    postgres = await startPostgres();
    // Tables are made once: it takes as long as a test.
    const data = mkdtempSync(join(tmpdir(), 'quantcache-own-'));
    await (await openPostgresQueue({ url: await postgres.database('made'), data })).close();
    rmSync(data, { recursive: true });
  }, 60_000);
  afterAll(() => postgres.stop(), 60_000);

  testQueue(async (data) => openPostgresQueue({ url: await postgres.database(basename(data), 'made'), data }));

  let databases = 0;
  async function open(): Promise<{ queue: JobQueue; other: JobQueue; url: string }> {
    const url = await postgres.database(`own${databases++}`, 'made');
    const data = mkdtempSync(join(tmpdir(), 'quantcache-own-'));
    const [queue, other] = [await openPostgresQueue({ url, data }), await openPostgresQueue({ url, data })];
    opened.push({ queue, data }, { queue: other, data });
    return { queue, other, url };
  }
  const opened: { queue: JobQueue; data: string }[] = [];
  afterEach(async () => {
    for (const { queue, data } of opened.splice(0)) {
      await queue.close();
      rmSync(data, { recursive: true, force: true });
    }
  });
  /** Lets a queue's jobs begin and not end; the first of them. */
  const begin = (queue: JobQueue) =>
    new Promise<Attempt & { end(): void }>((resolve) => {
      queue.work(
        (attempt) =>
          new Promise((end) => {
            writeFileSync(join(queue.folderOf(attempt.job.id), `${attempt.number}.mp4`), 'a clip');
            resolve({ ...attempt, end: () => end({ kind: 'completed', result }) });
          }),
        { concurrency: 1 },
      );
    });
  /** Changes what a job is behind everybody's back. */
  async function rewrite(url: string, id: string, attempt: number): Promise<void> {
    const boss = await openBoss(url, () => {});
    await boss
      .getDb()
      .executeSql(
        `update quantcache.videos set job = jsonb_set(job::jsonb, '{attempt}', to_jsonb($2::int))::json where id = $1`,
        [id, attempt],
      );
    await boss.stop({ graceful: false });
  }

  test('what happens in one process is heard in all', async () => {
    const { queue, other } = await open();
    const heard: string[] = [];
    const completed = new Promise((resolve) =>
      other.subscribe((event) => {
        heard.push(event.type);
        if (event.type === 'completed') resolve(event);
      }),
    );
    const job = newJob();
    await queue.add(job);
    const attempt = await begin(queue);
    attempt.report({ type: 'preview', step: 3 });
    attempt.end();
    await completed;
    expect(heard).toEqual(['queued', 'started', 'preview', 'completed']);
    expect(await other.get(job.id)).toMatchObject({ state: 'completed' });
  });

  test('an attempt that is not the newest says nothing, publishes nothing and leaves nothing', async () => {
    const { queue, other, url } = await open();
    const heard: string[] = [];
    other.subscribe((event) => heard.push(event.type));
    const job = newJob();
    await queue.add(job);
    const attempt = await begin(queue);
    await rewrite(url, job.id, 7);
    attempt.report({ type: 'preview', step: 3 });
    attempt.report({ type: 'warning', message: 'careful' });
    attempt.end();
    while (readdirSync(queue.folderOf(job.id)).length > 0) await new Promise((tick) => setTimeout(tick, 20));
    expect(await other.get(job.id)).toMatchObject({ state: 'in_progress', attempt: 7, warnings: [] });
    expect(heard).toEqual(['queued', 'started']);
  });

  test('an attempt that was given out before the newest one does not begin', async () => {
    const { queue, url } = await open();
    const [stale, next] = [newJob('stale', { priority: 1 }), newJob('next')];
    for (const job of [stale, next]) await queue.add(job);
    await rewrite(url, stale.id, 7);
    expect((await begin(queue)).job.id).toBe(next.id);
    expect(await queue.get(stale.id)).toMatchObject({ state: 'queued', attempt: 7 });
  });

  test('a job and its row come together or not at all', async () => {
    const { queue, url } = await open();
    const boss = await openBoss(url, () => {});
    await boss.getDb().executeSql(`drop table quantcache_queue.job cascade`);
    const job = newJob();
    await expect(queue.add(job)).rejects.toThrow();
    expect(await queue.get(job.id)).toBeUndefined();
    expect(existsSync(queue.folderOf(job.id))).toBe(false);
    await boss.stop({ graceful: false });
  });

  test('folders that are no job are removed but for young ones; those of jobs stay', async () => {
    const { queue, url } = await open();
    const data = opened[0]!.data;
    const job = newJob();
    await queue.add(job);
    const [old, young] = ['0'.repeat(32), '1'.repeat(32)];
    for (const id of [old, young]) await queue.makeFolder(id);
    for (const id of [old, job.id]) utimesSync(queue.folderOf(id), 1, 1);
    await (await openPostgresQueue({ url, data })).close();
    expect(readdirSync(join(data, 'videos')).sort()).toEqual([young, job.id].sort());
  });
});

test('a database that cannot be reached is an error without its password', { skip: !isInstalled }, async () => {
  const data = mkdtempSync(join(tmpdir(), 'quantcache-own-'));
  const opening = openPostgresQueue({ url: 'postgres://user:secret@127.0.0.1:1/clips', data });
  await expect(opening).rejects.toMatchObject({ code: 'io', message: expect.stringMatching(/nothing listens there/) });
  await expect(opening).rejects.not.toThrow('secret');
});

test('without pg-boss the error says what to install', { skip: isInstalled }, async () => {
  const data = mkdtempSync(join(tmpdir(), 'quantcache-own-'));
  const opening = openPostgresQueue({ url: 'postgres://127.0.0.1/clips', data });
  await expect(opening).rejects.toMatchObject({
    code: 'missing_peer',
    message: expect.stringMatching(/npm install pg-boss@12\.38\.0/),
  });
});
