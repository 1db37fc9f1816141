/** The queue of files: the suite of all queues, and what only files can go wrong in. */
import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { newJob, result, testQueue } from '../conformance.ts';
import { folderOf as jobFolder } from '../folders.ts';
import { openFileQueue } from './queue.ts';

const root = mkdtempSync(join(tmpdir(), 'quantcache-files-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const folderOf = (data: string, id: string): string => jobFolder(join(data, 'jobs'), id);

describe('the queue of files', () => testQueue(openFileQueue));

/** As a process leaves a job that is killed while it runs. */
async function killedRun(data: string): Promise<string> {
  const queue = await openFileQueue(data);
  const job = newJob();
  await queue.add(job);
  await queue.close();
  const file = join(folderOf(data, job.id), 'job.json');
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), state: 'in_progress', attempt: 1 }));
  writeFileSync(join(folderOf(data, job.id), '1.mp4'), 'half a clip');
  return job.id;
}

test('what ran when a process was killed runs again as another attempt, and what the dead one left is removed', async () => {
  const data = join(root, 'killed');
  const id = await killedRun(data);
  const queue = await openFileQueue(data);
  expect(await queue.get(id)).toMatchObject({ state: 'queued', attempt: 1 });
  const completed = new Promise((resolve) => queue.subscribe(({ type }) => type === 'completed' && resolve(type)));
  const files = await new Promise<string[]>((resolve) => {
    queue.work(
      async ({ number }) => {
        const found = readdirSync(folderOf(data, id));
        writeFileSync(join(folderOf(data, id), `${number}.mp4`), 'a clip');
        resolve(found);
        return { kind: 'completed', result: { ...result, files: { video: `${number}.mp4` } } };
      },
      { concurrency: 1 },
    );
  });
  expect(files).toEqual(['job.json']);
  await completed;
  expect(readdirSync(folderOf(data, id)).sort()).toEqual(['2.mp4', 'job.json']);
  await queue.close();
});

test('a failed job keeps no files of its attempts', async () => {
  const data = join(root, 'failed');
  const queue = await openFileQueue(data);
  const job = newJob();
  const failed = new Promise((resolve) => queue.subscribe(({ type }) => type === 'failed' && resolve(type)));
  await queue.add(job);
  queue.work(
    async () => {
      writeFileSync(join(folderOf(data, job.id), '1.mp4.part'), 'half');
      return { kind: 'failed', error: { code: 'not_finite', message: 'no' } };
    },
    { concurrency: 1 },
  );
  await failed;
  expect(readdirSync(folderOf(data, job.id))).toEqual(['job.json']);
  await queue.close();
});

test('two processes do not keep jobs in one folder; a dead one holds nothing', async () => {
  const data = join(root, 'locked');
  const queue = await openFileQueue(data);
  await expect(openFileQueue(data)).rejects.toThrow(`Process ${process.pid} already keeps its jobs`);
  await queue.close();
  expect(existsSync(join(data, 'lock'))).toBe(false);
  const dead = spawn(process.execPath, ['--eval', '']);
  await new Promise((resolve) => dead.once('exit', resolve));
  writeFileSync(join(data, 'lock'), JSON.stringify({ pid: dead.pid, started: '1' }));
  await (await openFileQueue(data)).close();
  // A later process of the same number is another one.
  writeFileSync(join(data, 'lock'), JSON.stringify({ pid: process.pid, started: '1' }));
  await (await openFileQueue(data)).close();
});

test('folders that no job is in are removed, but not those that are about to be filled', async () => {
  const data = join(root, 'orphans');
  await (await openFileQueue(data)).close();
  const [old, young] = ['0'.repeat(32), '1'.repeat(32)];
  for (const id of [old, young]) mkdirSync(folderOf(data, id));
  utimesSync(folderOf(data, old), 1, 1);
  await (await openFileQueue(data)).close();
  expect(readdirSync(join(data, 'jobs'))).toEqual([young]);
});

test('ids are checked before paths are made of them', () => {
  for (const id of ['../../etc', '', 'A'.repeat(32), '0'.repeat(31)])
    expect(() => folderOf('data', id)).toThrow('no id');
});
