/**
 * Writing files: a file appears under its name only when it is complete and on the disk, and a failure or abort leaves an
 * older file of that name as it was and nothing beside it.
 *
 * Invariants: the bytes go to a file beside the final one, whose random name is created exclusively (processes of several
 * machines or containers may share a folder), which is then renamed. Links are followed to the file that they name; what is
 * no file (a pipe, a device) is written to as it is.
 */
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, readlink, realpath, rename, rm, stat, statfs } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { throwIfAborted } from '../errors.ts';
import { fileError, systemCode } from './failure.ts';

/** Free bytes below which a place counts as full. */
const leastFreeBytes = 1_000_000;

/** How often a pipe is asked whether somebody reads it. */
const readerPollMilliseconds = 50;

/** Writes a file through `write`. Its folder must be there. Throws `io`, and `aborted` with the signal. */
export async function writeWhole(
  path: string,
  write: (handle: FileHandle) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  let temporary: string | undefined;
  try {
    const { target, isStream } = await destination(path);
    if (isStream) return await writeThrough(await openStream(target, signal), write);
    temporary = temporaryPath(target);
    await writeThrough(await open(temporary, 'wx'), async (handle) => {
      await write(handle);
      await handle.sync();
    });
    throwIfAborted(signal);
    await rename(temporary, target);
  } catch (error) {
    if (temporary) await rm(temporary, { force: true }).catch(() => undefined); // the first failure is the one to report
    throwIfAborted(signal);
    throw fileError('write', path, error);
  }
}

/** Writes a text file; makes its folder. */
export async function saveText(path: string, text: string): Promise<void> {
  await makeFolderOf(path);
  await writeWhole(path, (handle) => handle.writeFile(text));
}

/** Makes the folder that a file is to lie in. */
export async function makeFolderOf(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true }).catch((error: unknown) => {
    throw fileError('write', path, error);
  });
}

/**
 * Throws what `writeWhole` would throw later: missing or read-only folder, a folder in the file's place, a name too long, a
 * full disk. Call it before minutes of computation. `place` stands in for a file whose folders are yet to be made.
 */
export async function assertCanWrite(path: string, place = path): Promise<void> {
  try {
    const { target, isStream } = await destination(place);
    if (isStream) return;
    const probe = temporaryPath(target);
    await (await open(probe, 'wx')).close();
    await rm(probe);
    const { bavail, bsize } = await statfs(dirname(target));
    if (bavail * bsize < leastFreeBytes) throw Object.assign(new Error('the disk is full'), { code: 'ENOSPC' });
  } catch (error) {
    throw fileError('write', path, error);
  }
}

async function writeThrough(handle: FileHandle, write: (handle: FileHandle) => Promise<void>): Promise<void> {
  try {
    await write(handle);
  } finally {
    await handle.close();
  }
}

/** Opens what is no file. A pipe has to have a reader first: opening it without one would wait where nothing can stop it. */
async function openStream(path: string, signal?: AbortSignal): Promise<FileHandle> {
  for (;;) {
    throwIfAborted(signal);
    let probe: FileHandle | undefined;
    try {
      probe = await open(path, constants.O_WRONLY | (constants.O_NONBLOCK ?? 0));
      return await open(path, 'w');
    } catch (error) {
      if (systemCode(error) !== 'ENXIO') throw error; // nobody reads yet
      await wait(readerPollMilliseconds);
    } finally {
      await probe?.close();
    }
  }
}

/** Where the bytes for a path go. */
export async function destination(path: string): Promise<{ target: string; isStream: boolean }> {
  try {
    if (path.endsWith('/') || path.endsWith(sep))
      throw Object.assign(new Error('a folder has that name'), { code: 'EISDIR' });
    const status = await stat(path);
    if (status.isDirectory()) throw Object.assign(new Error('a folder has that name'), { code: 'EISDIR' });
    return status.isFile() ? { target: await realpath(path), isStream: false } : { target: path, isStream: true };
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
    const linked = await readlink(path).catch(() => undefined); // of a link to a file that is not there yet
    return linked === undefined ? { target: path, isStream: false } : destination(resolve(dirname(path), linked));
  }
}

/** A name beside the final one that no other run uses, short whatever the final name's length. */
const temporaryPath = (path: string): string => join(dirname(path), `.quantcache-${randomUUID()}.tmp`);
