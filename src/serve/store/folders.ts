/**
 * Where the files of jobs lie: `jobs/<id>/`, with what the job is in `job.json`. Ids are checked here, so no path is made of
 * anything else.
 */
import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { QuantCacheError } from '../../errors.ts';
import { fileError, systemCode } from '../../files/failure.ts';
import { saveJson } from '../../files/json.ts';
import type { Job } from '../job.ts';

const idPattern = /^[0-9a-f]{32}$/;

/** The folder of a job's files. */
export function folderOf(data: string, id: string): string {
  if (!idPattern.test(id)) throw new QuantCacheError('invalid_option', 'That is no id of a job.');
  return join(data, 'jobs', id);
}

export interface JobFolders {
  folder(id: string): string;
  /** All jobs that were saved, oldest first. Folders without one are what a removal left behind, and are removed. */
  load(): Promise<Job[]>;
  /** Saves what a job is; on the disk when this resolves. */
  save(job: Job): Promise<void>;
  /** Makes a job's folder. */
  make(id: string): Promise<void>;
  /** Removes what says that there is a job; its files are nobody's from then on. */
  forget(id: string): Promise<void>;
  remove(id: string): Promise<void>;
  /** Removes all files of a job but what it is. */
  empty(id: string): Promise<void>;
  /** Removes what attempts left that are not this one. */
  clear(job: Job): Promise<void>;
}

const document = 'job.json';

export async function openFolders(data: string): Promise<JobFolders> {
  const root = join(data, 'jobs');
  await mkdir(root, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    throw fileError('write', root, error);
  });
  const folder = (id: string) => folderOf(data, id);
  /** Removes the files of a job whose names are not kept. */
  const sweep = async (id: string, keeps: (name: string) => boolean) => {
    const names = await readdir(folder(id)).catch(() => []);
    await Promise.all(names.filter((name) => !keeps(name)).map((name) => rm(join(folder(id), name), { force: true })));
  };
  return {
    folder,
    async load() {
      const names = (await readdir(root)).filter((name) => idPattern.test(name));
      const jobs: Job[] = [];
      // Not all at once: a folder of ten thousand jobs is more files than may be open.
      for (let i = 0; i < names.length; i += 64)
        jobs.push(...(await Promise.all(names.slice(i, i + 64).map((id) => loadJob(root, id)))).flat());
      return jobs.sort((a, b) => a.createdAt - b.createdAt);
    },
    save: (job) => saveJson(join(folder(job.id), document), job),
    make: async (id) => void (await mkdir(folder(id), { recursive: true, mode: 0o700 })),
    forget: (id) => rm(join(folder(id), document), { force: true }),
    remove: (id) => rm(folder(id), { recursive: true, force: true }),
    empty: (id) => sweep(id, (name) => name === document),
    clear: ({ id, image, attempt }) =>
      sweep(id, (name) => name === document || name === image || name.startsWith(`${attempt}.`)),
  };
}

async function loadJob(root: string, id: string): Promise<Job[]> {
  const path = join(root, id, document);
  try {
    return [JSON.parse(await readFile(path, 'utf8')) as Job];
  } catch (error) {
    if (error instanceof SyntaxError)
      throw new QuantCacheError('corrupt_file', `${path} is not a job: it is not JSON. Remove the folder it lies in.`);
    if (systemCode(error) !== 'ENOENT') throw fileError('read', path, error);
    const age = Date.now() - (await stat(join(root, id))).mtimeMs;
    if (age > leftoverMilliseconds) await rm(join(root, id), { recursive: true, force: true });
    return [];
  }
}

/** A folder without a job that is younger may be one that another process is about to fill. */
const leftoverMilliseconds = 60_000;
