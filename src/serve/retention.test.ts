/** Which files are kept, on a queue of files. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { newJob, result } from './conformance.ts';
import type { JobQueue } from './queue.ts';
import { removeFiles, startRetention } from './retention.ts';
import { openFileQueue } from './store/queue.ts';

const root = mkdtempSync(join(tmpdir(), 'quantcache-retention-'));
let queue: JobQueue;
let ids: string[] = [];

beforeAll(async () => {
  queue = await openFileQueue(root);
});
afterAll(async () => {
  await queue.close();
  rmSync(root, { recursive: true, force: true });
});

/** Makes clips of a thousand bytes, the newest last, and says whose are there. */
async function clips(count: number): Promise<() => boolean[]> {
  for (const { id } of await queue.kept()) await queue.remove(id);
  ids = [];
  const worker = queue.work(
    async ({ job, number }) => {
      writeFileSync(join(queue.folderOf(job.id), `${number}.mp4`), Buffer.alloc(1000));
      return { kind: 'completed', result };
    },
    { concurrency: 1 },
  );
  for (let i = 0; i < count; i++) {
    const job = newJob();
    ids.push(job.id);
    const ended = new Promise((resolve) => queue.subscribe((event) => event.type === 'completed' && resolve(event)));
    await queue.add(job);
    await ended;
    await new Promise((tick) => setTimeout(tick, 2)); // ends at another time than the next
  }
  await worker.stop();
  return () => ids.map((id) => existsSync(join(queue.folderOf(id), '1.mp4')));
}

test('files that are too old go', async () => {
  const there = await clips(2);
  const first = (await queue.kept())[0]!.completedAt!;
  await removeFiles(queue, { milliseconds: 1000 }, undefined, first + 999);
  expect(there()).toEqual([true, true]);
  await removeFiles(queue, { milliseconds: 1000 }, undefined, first + 1000);
  expect(there()).toEqual([false, true]);
  expect(await queue.get(ids[0]!)).toMatchObject({ state: 'completed', expiredAt: expect.any(Number) });
});

test('where there are too many the oldest go, and the newest stays whatever its size', async () => {
  const there = await clips(4);
  const document = 2 * 1000; // what a job is takes a place, too, of less than two clips
  await removeFiles(queue, { bytes: 3 * 1000 + document });
  expect(there().at(-1)).toBe(true);
  expect(there()[0]).toBe(false);
  await removeFiles(queue, { bytes: 1 });
  expect(there()).toEqual([false, false, false, true]);
});

test('a server looks again and again, and not at all where all is kept', async () => {
  const looked = vi.spyOn(queue, 'kept').mockResolvedValue([]);
  vi.useFakeTimers();
  startRetention(queue, {}, () => {})();
  expect(looked).not.toHaveBeenCalled();
  const end = startRetention(queue, { bytes: 1 }, () => {});
  await vi.advanceTimersByTimeAsync(120_000);
  expect(looked).toHaveBeenCalledTimes(3);
  end();
  await vi.advanceTimersByTimeAsync(120_000);
  expect(looked).toHaveBeenCalledTimes(3);
  vi.useRealTimers();
  looked.mockRestore();
});
