/** What jobs are, in a file of each one's folder that is replaced whole. */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { QuantCacheError } from '../../errors.ts';
import { fileError, systemCode } from '../../files/failure.ts';
import { saveJson } from '../../files/json.ts';
import { type JobFolders, jobDocument } from '../folders.ts';
import type { Job } from '../job.ts';

/** Jobs that are read at the same time: a folder of ten thousand is more files than may be open. */
const readTogether = 64;

export interface JobDocuments {
  /** All jobs that were saved, oldest first. Folders without one are what a removal left behind, and are removed. */
  load(): Promise<Job[]>;
  /** Saves what a job is; on the disk when this resolves. */
  save(job: Job): Promise<void>;
  /** Removes what says that there is a job; its files are nobody's from then on. */
  forget(id: string): Promise<void>;
}

export function createDocuments(folders: JobFolders): JobDocuments {
  const pathOf = (id: string) => join(folders.folder(id), jobDocument);
  async function read(id: string): Promise<Job[]> {
    const path = pathOf(id);
    try {
      return [JSON.parse(await readFile(path, 'utf8')) as Job];
    } catch (error) {
      if (error instanceof SyntaxError)
        throw new QuantCacheError(
          'corrupt_file',
          `${path} is not a job: it is not JSON. Remove the folder it lies in.`,
        );
      if (systemCode(error) !== 'ENOENT') throw fileError('read', path, error);
      await folders.removeStray(id);
      return [];
    }
  }
  return {
    async load() {
      const ids = await folders.ids();
      const jobs: Job[] = [];
      for (let i = 0; i < ids.length; i += readTogether)
        jobs.push(...(await Promise.all(ids.slice(i, i + readTogether).map(read))).flat());
      return jobs.sort((a, b) => a.createdAt - b.createdAt);
    },
    save: (job) => saveJson(pathOf(job.id), job),
    forget: (id) => rm(pathOf(id), { force: true }),
  };
}
