/** For how long files are kept: those of clips that are older than they may be, and of the oldest where all are too many. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../errors.ts';
import type { Job } from './job.ts';
import type { JobQueue } from './queue.ts';

/** What is absent limits nothing. */
export interface Keep {
  /** After the end of a job. */
  readonly milliseconds?: number;
  /** Of the files of all jobs that ended; those of the newest stay, whatever their size. */
  readonly bytes?: number;
}

const pause = 60_000;

/** Removes files now and then until the result is called. Jobs stay, with what makes their clips again. */
export function startRetention(queue: JobQueue, keep: Keep, tell: (message: string) => void): () => void {
  if (keep.milliseconds === undefined && keep.bytes === undefined) return () => {};
  const sizes = new Map<string, number>();
  const sweep = () =>
    removeFiles(queue, keep, sizes).catch((error: unknown) =>
      tell(`Old files could not be removed: ${messageOf(error)}`),
    );
  const timer = setInterval(sweep, pause);
  timer.unref();
  void sweep();
  return () => clearInterval(timer);
}

/** Removes the files that are not to be kept at a time; `sizes` remembers those of jobs that ended. */
export async function removeFiles(
  queue: Pick<JobQueue, 'kept' | 'expire' | 'folderOf'>,
  { milliseconds = Number.POSITIVE_INFINITY, bytes }: Keep,
  sizes = new Map<string, number>(),
  now = Date.now(),
): Promise<void> {
  const jobs = await queue.kept();
  const isOld = ({ completedAt }: Job) => completedAt! + milliseconds <= now;
  const expired = new Set(jobs.filter(isOld));
  if (bytes !== undefined) {
    let total = 0;
    for (const job of jobs.filter((other) => !expired.has(other)).reverse()) {
      const isNewest = total === 0;
      const size = sizes.get(job.id) ?? (await sizeOf(queue.folderOf(job.id)));
      sizes.set(job.id, size);
      total += size;
      if (total > bytes && !isNewest) expired.add(job);
    }
  }
  for (const { id } of expired) {
    await queue.expire(id);
    sizes.delete(id);
  }
}

async function sizeOf(folder: string): Promise<number> {
  const names = await readdir(folder).catch(() => []);
  const sizes = await Promise.all(
    names.map((name) =>
      stat(join(folder, name)).then(
        ({ size }) => size,
        () => 0, // removed meanwhile
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
