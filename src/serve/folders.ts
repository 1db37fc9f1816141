/**
 * Where the files of jobs lie: a folder for each, named by its id. Ids are checked here, so no path is made of anything else.
 *
 * An attempt's files have names that begin with its number; what it left when it died is nobody's, but for the state of its run,
 * from which the next one goes on.
 */
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { QuantCacheError } from '../errors.ts';
import { fileError } from '../files/failure.ts';
import { isFinished, type Job } from './job.ts';

const idPattern = /^[0-9a-f]{32}$/;

/** What a job is, where its queue keeps that in files. */
export const jobDocument = 'job.json';
/** The state of a run that was stopped, in its job's folder. */
export const runState = 'run.partial';

/** The folder of a job's files below that of all. Throws `invalid_option` for what is no id. */
export function folderOf(root: string, id: string): string {
  if (!idPattern.test(id)) throw new QuantCacheError('invalid_option', 'That is no id of a job.');
  return join(root, id);
}

export interface JobFolders {
  folder(id: string): string;
  /** Makes a job's folder; its path. Throws `io`. */
  make(id: string): Promise<string>;
  remove(id: string): Promise<void>;
  /** Removes all files of a job but what it is. */
  empty(id: string): Promise<void>;
  /** Removes what attempts left that are over and made nothing; the state of a run goes with the job's end. */
  clear(job: Pick<Job, 'id' | 'image' | 'attempt' | 'state'>): Promise<void>;
  /** Removes what one attempt left that is not the newest. */
  forgetAttempt(id: string, attempt: number): Promise<void>;
  /** Ids of all folders. */
  ids(): Promise<string[]>;
  /** Removes a folder that is no job's, unless it is so young that one may be about to be added. */
  removeStray(id: string): Promise<void>;
}

/** A folder without a job that is younger may be one that is about to be filled. */
const strayMilliseconds = 60_000;

/** Opens the folder of all folders; makes it. Throws `io`. */
export async function openFolders(root: string): Promise<JobFolders> {
  await mkdir(root, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    throw fileError('write', root, error);
  });
  const folder = (id: string) => folderOf(root, id);
  /** Removes the files of a job whose names are not kept. */
  const sweep = async (id: string, keeps: (name: string) => boolean) => {
    const names = await readdir(folder(id)).catch(() => []);
    await Promise.all(names.filter((name) => !keeps(name)).map((name) => rm(join(folder(id), name), { force: true })));
  };
  const remove = (id: string) => rm(folder(id), { recursive: true, force: true });
  return {
    folder,
    remove,
    async make(id) {
      const path = folder(id);
      await mkdir(path, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
        throw fileError('write', path, error);
      });
      return path;
    },
    empty: (id) => sweep(id, (name) => name === jobDocument),
    clear(job) {
      const isOwn = job.state === 'in_progress' || job.state === 'completed';
      return sweep(
        job.id,
        (name) =>
          name === jobDocument ||
          name === job.image ||
          (name === runState && !isFinished(job)) ||
          (isOwn && name.startsWith(`${job.attempt}.`)),
      );
    },
    forgetAttempt: (id, attempt) => sweep(id, (name) => !name.startsWith(`${attempt}.`)),
    ids: async () => (await readdir(root)).filter((name) => idPattern.test(name)),
    async removeStray(id) {
      const age = await stat(folder(id)).then(
        ({ mtimeMs }) => Date.now() - mtimeMs,
        () => 0, // removed meanwhile
      );
      if (age > strayMilliseconds) await remove(id);
    },
  };
}
