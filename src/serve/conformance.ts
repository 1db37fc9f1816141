/**
 * The suite that every queue passes: what `queue.ts` promises, tried. A queue's test file calls it with a way to open one; the
 * same folder opened again is the next process.
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { type Job, type JobResult, type NewJob, newJobId } from './job.ts';
import type { Attempt, JobQueue, Outcome, QueueEvent } from './queue.ts';

export const result: JobResult = {
  files: { video: '1.mp4' },
  sha256: 'none',
  bytes: 1,
  profile: null,
  policy: 'full',
  policyOptions: {},
  precision: 'fp32',
  sampler: 'euler',
  guidanceScale: 4,
  numSteps: 30,
  times: { total: 1 },
  speedup: 1,
  steps: [],
};

const completed: Outcome = { kind: 'completed', result };

/** A job that says nothing in particular. */
export const newJob = (prompt = 'a star', changes: Partial<NewJob> = {}): NewJob => ({
  id: newJobId(),
  owner: 'local',
  priority: 0,
  request: {
    model: 'demo',
    modelName: 'demo',
    run: { prompts: [prompt], seed: '1', numSteps: 30, guidanceScale: 4, size: '64x64', frames: 17, fps: 8 },
    outputFormat: 'mp4',
    trace: false,
    warnings: [],
  },
  ...changes,
});

/** Tests a queue. `open` opens the one of a folder; what it gives is closed, or left as a process leaves it that is killed. */
export function testQueue(open: (folder: string) => Promise<JobQueue>): void {
  const root = mkdtempSync(join(tmpdir(), 'quantcache-queue-'));
  let folders = 0;
  let opened: JobQueue[] = [];
  const openIn = async (folder = join(root, String(folders++))) => {
    const queue = await open(folder);
    opened.push(queue);
    return { queue, folder };
  };
  const close = async (queue: JobQueue) => {
    opened = opened.filter((other) => other !== queue);
    await queue.close();
  };
  afterEach(async () => {
    for (const queue of opened) await close(queue);
    rmSync(root, { recursive: true, force: true });
  });
  const add = async (queue: JobQueue, ...args: Parameters<typeof newJob>) => {
    const added = await queue.add(newJob(...args));
    if (!('job' in added)) throw new Error(added.kind);
    return added.job;
  };
  /** Waits until a job has become something; the job then. */
  const until = (queue: JobQueue, type: 'started' | 'completed' | 'failed', id?: string) =>
    new Promise<Job>((resolve) => {
      const stop = queue.subscribe((event) => {
        if (!('job' in event) || event.type !== type || (id !== undefined && event.id !== id)) return;
        queueMicrotask(() => stop());
        resolve(event.job);
      });
    });
  const aborted = (signal: AbortSignal) =>
    new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    });

  test('jobs run by priority, then in the order in which they came', async () => {
    const { queue } = await openIn();
    for (const [prompt, priority] of [
      ['c', 0],
      ['d', 0],
      ['e', -5],
      ['a', 10],
      ['b', 5],
    ] as const)
      await add(queue, prompt, { priority });
    const waiting = (await queue.active()).map(({ request }) => request.run.prompts[0]);
    expect(waiting).toEqual(['a', 'b', 'c', 'd', 'e']);
    const ran: string[] = [];
    const last = new Promise<void>((resolve) => {
      queue.work(
        async ({ job }) => {
          ran.push(job.request.run.prompts[0]!);
          if (ran.length === 5) resolve();
          return completed;
        },
        { concurrency: 1 },
      );
    });
    await last;
    expect(ran).toEqual(waiting);
  });

  test('what waits has a place, what runs and ended has none', async () => {
    const { queue } = await openIn();
    const [first, second] = [await add(queue), await add(queue)];
    expect([await queue.position(first.id), await queue.position(second.id)]).toEqual([1, 2]);
    expect(await queue.size()).toEqual({ waiting: 2, running: 0 });
    await queue.cancel(first.id);
    expect(await queue.position(second.id)).toBe(1);
    expect(await queue.position(first.id)).toBeUndefined();
  });

  test('a job that completed has its result, and keeps it in the next process', async () => {
    const { queue, folder } = await openIn();
    const { id } = await add(queue);
    const ended = until(queue, 'completed');
    queue.work(async () => completed, { concurrency: 1 });
    expect(await ended).toMatchObject({ id, state: 'completed', attempt: 1, result });
    await close(queue);
    const { queue: next } = await openIn(folder);
    expect(await next.get(id)).toMatchObject({ state: 'completed', attempt: 1, result });
  });

  test('a cancelled job that waits never runs', async () => {
    const { queue } = await openIn();
    const { id } = await add(queue);
    expect(await queue.cancel(id)).toMatchObject({
      kind: 'cancelled',
      job: { state: 'failed', error: { code: 'cancelled' } },
    });
    const other = await add(queue, 'other');
    const ran: string[] = [];
    const ended = until(queue, 'completed');
    queue.work(
      async ({ job }) => {
        ran.push(job.id);
        return completed;
      },
      { concurrency: 1 },
    );
    await ended;
    expect(ran).toEqual([other.id]);
    expect(await queue.cancel(id)).toMatchObject({ kind: 'finished' });
    expect(await queue.cancel(newJobId())).toEqual({ kind: 'unknown' });
  });

  test('a cancelled job that runs is told, and what it says afterwards is not heard', async () => {
    const { queue } = await openIn();
    const { id } = await add(queue);
    const begun = until(queue, 'started');
    let told = false;
    queue.work(
      async ({ signal, report }) => {
        await aborted(signal);
        told = true;
        report({ type: 'progress', progress: { stage: 'save', step: 1, num_steps: 1, progress: 99, eta_seconds: 0 } });
        return completed;
      },
      { concurrency: 1 },
    );
    await begun;
    await queue.cancel(id);
    const next = await add(queue, 'next');
    await until(queue, 'started', next.id);
    expect(told).toBe(true);
    expect(await queue.get(id)).toMatchObject({ state: 'failed', error: { code: 'cancelled' } });
    expect((await queue.get(id))?.progress).toBeUndefined();
    expect((await queue.get(id))?.result).toBeUndefined();
  });

  test('the same key of the same owner is the same job, also at the same time and in the next process', async () => {
    const { queue, folder } = await openIn();
    const keyed = () => queue.add(newJob('a', { idempotencyKey: 'k' }));
    const [first, second] = await Promise.all([keyed(), keyed()]);
    const ids = [first, second].map((added) => 'job' in added && added.job.id);
    expect(ids[0]).toBe(ids[1]);
    expect([first.kind, second.kind].sort()).toEqual(['added', 'known']);
    expect(await queue.add(newJob('a', { idempotencyKey: 'k', owner: 'other' }))).toMatchObject({ kind: 'added' });
    await close(queue);
    const { queue: next } = await openIn(folder);
    expect(await next.add(newJob('a', { idempotencyKey: 'k' }))).toMatchObject({ kind: 'known', job: { id: ids[0] } });
  });

  test('no more may wait than are allowed, of all and of one owner', async () => {
    const { queue } = await openIn();
    const most = { waiting: 3, ofOwner: 2 };
    const kinds: string[] = [];
    const folders: string[] = [];
    for (const owner of ['a', 'a', 'a', 'b', 'b']) {
      const job = newJob('p', { owner });
      folders.push(await queue.makeFolder(job.id));
      kinds.push((await queue.add(job, { most })).kind);
    }
    expect(kinds).toEqual(['added', 'added', 'owner_full', 'added', 'queue_full']);
    expect(folders.map((folder) => existsSync(folder))).toEqual([true, true, false, true, false]);
  });

  test('a failure ends a job; a crash is tried again once, then ends it', async () => {
    const { queue } = await openIn();
    const [bad, deadly] = [await add(queue, 'bad'), await add(queue, 'deadly')];
    const attempts: Record<string, number[]> = { bad: [], deadly: [] };
    const ended = until(queue, 'failed', deadly.id);
    queue.work(
      async ({ job, number }): Promise<Outcome> => {
        const [prompt = ''] = job.request.run.prompts;
        attempts[prompt]!.push(number);
        const error = { code: prompt === 'bad' ? 'not_finite' : 'engine_crashed', message: 'no' };
        return prompt === 'bad' ? { kind: 'failed', error } : { kind: 'crashed', error };
      },
      { concurrency: 1 },
    );
    await ended;
    expect(attempts).toEqual({ bad: [1], deadly: [1, 2] });
    expect(await queue.get(bad.id)).toMatchObject({ state: 'failed', error: { code: 'not_finite' } });
    expect(await queue.get(deadly.id)).toMatchObject({
      state: 'failed',
      crashes: 2,
      error: { code: 'engine_crashed' },
    });
  });

  test('a worker that stops returns what it runs, and the next one takes it', async () => {
    const { queue } = await openIn();
    const { id } = await add(queue);
    const begun = until(queue, 'started');
    const worker = queue.work(
      async ({ signal }) => {
        await aborted(signal);
        return { kind: 'returned' };
      },
      { concurrency: 1 },
    );
    await begun;
    await worker.stop();
    expect(await queue.get(id)).toMatchObject({ state: 'queued', crashes: 0 });
    const ended = until(queue, 'completed', id);
    queue.work(async () => completed, { concurrency: 1 });
    expect((await ended).attempt).toBe(2);
  });

  test('as many run at a time as the worker says', async () => {
    const { queue } = await openIn();
    const jobs = [await add(queue), await add(queue), await add(queue), await add(queue)];
    let [running, most] = [0, 0];
    const ended = until(queue, 'completed', jobs[3]!.id);
    queue.work(
      async () => {
        most = Math.max(most, ++running);
        await new Promise((tick) => setTimeout(tick, 20));
        running--;
        return completed;
      },
      { concurrency: 2 },
    );
    await ended;
    expect(most).toBe(2);
  });

  test('pages of a list hold every job once, while others arrive', async () => {
    const { queue } = await openIn();
    const old = [];
    for (let i = 0; i < 5; i++) old.push((await add(queue, `job ${i}`)).id);
    const seen: string[] = [];
    for (let after: string | undefined; ; ) {
      const { jobs, hasMore } = await queue.list({ after, limit: 2, order: 'desc' });
      seen.push(...jobs.map(({ id }) => id));
      await add(queue, 'arrives meanwhile');
      after = jobs.at(-1)?.id;
      if (!hasMore) break;
    }
    expect(seen).toEqual([...old].reverse());
    const ascending = await queue.list({ limit: 3, order: 'asc' });
    expect(ascending.jobs.map(({ id }) => id)).toEqual(old.slice(0, 3));
    expect(ascending.hasMore).toBe(true);
  });

  test('what was removed is gone, in the next process too', async () => {
    const { queue, folder } = await openIn();
    const [waits, runs] = [await add(queue, 'waits', { priority: -1 }), await add(queue, 'runs')];
    const begun = until(queue, 'started', runs.id);
    let told: AbortSignal | undefined;
    const worker = queue.work(
      async ({ signal }) => {
        told = signal;
        await aborted(signal);
        return { kind: 'returned' };
      },
      { concurrency: 1 },
    );
    await begun;
    for (const { id } of [waits, runs]) expect(await queue.remove(id)).toBe(true);
    expect(told?.aborted).toBe(true);
    expect(await queue.remove(runs.id)).toBe(false);
    await worker.stop();
    await close(queue);
    const { queue: next } = await openIn(folder);
    for (const { id } of [waits, runs]) expect(await next.get(id)).toBeUndefined();
    expect(await next.size()).toEqual({ waiting: 0, running: 0 });
  });

  test('files of finished jobs are kept until they expire, and the job stays', async () => {
    const { queue } = await openIn();
    const [first, second, waits] = [await add(queue), await add(queue), await add(queue)];
    for (const { id } of [second, first]) {
      writeFileSync(join(queue.folderOf(id), '1.mp4'), 'a clip');
      await queue.cancel(id);
      await new Promise((tick) => setTimeout(tick, 2)); // the ends of jobs are told apart by milliseconds
    }
    expect((await queue.kept()).map(({ id }) => id)).toEqual([second.id, first.id]);
    for (const { id } of [second, waits]) await queue.expire(id);
    expect((await queue.kept()).map(({ id }) => id)).toEqual([first.id]);
    expect(existsSync(join(queue.folderOf(second.id), '1.mp4'))).toBe(false);
    expect((await queue.get(second.id))?.expiredAt).toBeGreaterThan(0);
    expect(await queue.get(waits.id)).toMatchObject({ state: 'queued' });
    expect((await queue.get(waits.id))?.expiredAt).toBeUndefined();
  });

  test('events are numbered, and those after a number are told again', async () => {
    const { queue } = await openIn();
    const events: QueueEvent[] = [];
    const stop = queue.subscribe((event) => events.push(event));
    const { id } = await add(queue);
    const ended = until(queue, 'completed', id);
    const work = async ({ report }: Attempt): Promise<Outcome> => {
      report({ type: 'progress', progress: { stage: 'text', step: 0, num_steps: 30, progress: 1, eta_seconds: null } });
      report({ type: 'warning', message: 'careful' });
      return completed;
    };
    queue.work(work, { concurrency: 1 });
    await ended;
    stop();
    expect(events.map(({ type }) => type)).toEqual(['queued', 'started', 'progress', 'warning', 'completed']);
    expect(events.at(-1)).toMatchObject({ id, job: { warnings: ['careful'] } });
    const again: QueueEvent[] = [];
    queue.subscribe((event) => again.push(event), events[1]!.number);
    expect(again.map(({ type }) => type)).toEqual(['progress', 'warning', 'completed']);
  });
}
