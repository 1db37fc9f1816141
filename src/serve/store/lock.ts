/**
 * The lock of a data folder: one process at a time keeps jobs there. A lock whose process is gone, however it ended, counts as
 * none; the time at which a process started tells it from a later one of the same number.
 */
import { readFileSync } from 'node:fs';
import { link, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { QuantCacheError } from '../../errors.ts';
import { fileError, systemCode } from '../../files/failure.ts';

interface Holder {
  readonly pid: number;
  readonly started: string;
}

/** Takes the lock of a folder; the result gives it back. Throws `io` where another process that lives has it. */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  const path = join(folder, 'lock');
  const own = { pid: process.pid, started: startOf(process.pid) ?? '' };
  const candidate = join(folder, `.lock-${process.pid}`);
  try {
    const file = await open(candidate, 'w', 0o600);
    await file.writeFile(JSON.stringify(own)).finally(() => file.close());
    for (;;) {
      try {
        await link(candidate, path); // whole and exclusive at once
        return () => rm(path, { force: true });
      } catch (error) {
        if (systemCode(error) !== 'EEXIST') throw error;
      }
      const holder = await holderOf(path);
      if (holder && startOf(holder.pid) === holder.started) throw held(folder, holder.pid);
      await rm(path, { force: true });
    }
  } catch (error) {
    throw fileError('write', path, error);
  } finally {
    await rm(candidate, { force: true });
  }
}

const held = (folder: string, pid: number) =>
  new QuantCacheError(
    'io',
    `Process ${pid} already keeps its jobs in ${folder}. Stop it, choose another folder with --data, or share a database (DATABASE_URL).`,
  );

async function holderOf(path: string): Promise<Holder | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Holder;
  } catch {
    return undefined; // removed meanwhile, or not ours
  }
}

/** When a process began, in the system's own count; '' where that is not known; undefined where there is no such process. */
function startOf(pid: number): string | undefined {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (systemCode(error) === 'ESRCH') return undefined;
  }
  try {
    // The 22nd field; the second is the program's name in brackets, which may hold anything.
    const status = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return status.slice(status.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}
