/**
 * Reading and writing whole files safely, with errors that name the path and say what to do.
 *
 * Invariants: a file appears under its final name only when it is complete (it is written beside it and renamed);
 * nothing is left behind on failure.
 */
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageOf, QuantCacheError } from '../errors.ts';

/** What to do about the failures of a file system that people meet. */
const advice: Record<string, string> = {
  ENOSPC: 'The disk is full: free some space or choose another folder.',
  EDQUOT: 'Your disk quota is used up: free some space or choose another folder.',
  EACCES: 'Permission was denied: change the permissions or choose another folder.',
  EPERM: 'Permission was denied: change the permissions or choose another folder.',
  EROFS: 'The file system is read-only: choose another folder.',
  ENOTDIR: 'A part of this path is a file, not a folder: choose another folder.',
  EISDIR: 'This is a folder where a file is needed.',
  EMFILE: 'Too many files are open: raise the limit (ulimit -n) or run fewer programs.',
};

/** The system's code of a failure (`ENOENT`...), if it has one. */
export function systemCode(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

/** A failure to read or write `path` as our error: `model_not_found` when reading what is not there, else `io`. */
export function fileError(action: 'read' | 'write', path: string, cause: unknown): QuantCacheError {
  if (cause instanceof QuantCacheError) return cause;
  const code = systemCode(cause);
  if (action === 'read' && code === 'ENOENT') {
    return new QuantCacheError('model_not_found', `There is no file ${path}. Check the path.`, { cause });
  }
  const todo = (code && advice[code]) ?? messageOf(cause);
  return new QuantCacheError('io', `Could not ${action} ${path}. ${todo}`, { cause });
}

/** Reads `length` bytes at `offset`; a short file is a `corrupt_file` error. */
export async function readRange(path: string, offset: number, length: number): Promise<Uint8Array> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, 'r');
    const bytes = new Uint8Array(length);
    let done = 0;
    while (done < length) {
      const step = Math.min(length - done, 2 ** 30); // one system call reads less than 2 GiB
      const { bytesRead } = await handle.read(bytes, done, step, offset + done);
      if (bytesRead === 0) {
        const message = `${path} ends at byte ${offset + done}, but bytes ${offset} to ${offset + length} are needed. The file is truncated: copy or download it again.`;
        throw new QuantCacheError('corrupt_file', message);
      }
      done += bytesRead;
    }
    return bytes;
  } catch (error) {
    throw fileError('read', path, error);
  } finally {
    await handle?.close();
  }
}

/** Writes a file through `write`, under a temporary name until it is whole; makes its folder. */
export async function writeWhole(path: string, write: (handle: FileHandle) => Promise<void>): Promise<void> {
  const partial = `${path}.${process.pid}.partial`;
  try {
    await mkdir(dirname(path), { recursive: true });
    const handle = await open(partial, 'w');
    try {
      await write(handle);
    } finally {
      await handle.close();
    }
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true }).catch(() => undefined); // the first failure is the one to report
    throw fileError('write', path, error);
  }
}

/** Writes a text file whole or not at all; makes its folder. */
export async function saveText(path: string, text: string): Promise<void> {
  await writeWhole(path, async (handle) => void (await handle.writeFile(text)));
}
