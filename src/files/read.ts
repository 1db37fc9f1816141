/**
 * Reading files, so that what is not there and what cannot be read are told apart: `find...` gives undefined for the first
 * only, and everything else is an error that names the file.
 */
import { type FileHandle, lstat, open, readFile, stat } from 'node:fs/promises';
import { QuantCacheError } from '../errors.ts';
import { fileError, systemCode } from './failure.ts';

/** What a file is for, as its messages say it. */
export interface FilePurpose {
  /** With its article: `a profile of this version`. */
  readonly what: string;
  /** Sentences that say what to do: `Write it with "quantcache calibrate".` */
  readonly todo: string;
}

/** What the system says where nothing can be; `ERR_INVALID_ARG_VALUE` is Node's answer to names with a zero byte. */
const nothing: ReadonlySet<string | undefined> = new Set([
  'ENOENT',
  'ENOTDIR',
  'ENAMETOOLONG',
  'ERR_INVALID_ARG_VALUE',
]);

/** Whether there is a file or folder, links followed. Throws `io` where that cannot be told. */
export async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (nothing.has(systemCode(error))) return false;
    throw fileError('read', path, error);
  }
}

/** The most bytes that are read from what is no file, such as a pipe: devices may have no end. */
const mostStreamed = 2 ** 26;

/** The bytes of a file; undefined where there is none. Throws `io`. */
export async function findBytes(path: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    return (await stat(path)).isFile() ? await readFile(path) : await readStream(path);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw fileError('read', path, error);
    if (await lstat(path).catch(() => undefined))
      throw new QuantCacheError('io', `Cannot read ${path}: it is a link to a file that is not there.`);
    return undefined;
  }
}

/** All that comes out of a pipe or a device. */
async function readStream(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const handle = await open(path, 'r');
  const chunks: Uint8Array[] = [];
  let total = 0;
  for await (const chunk of handle.createReadStream() as AsyncIterable<Uint8Array>) {
    chunks.push(chunk);
    total += chunk.length;
    if (total > mostStreamed) throw new QuantCacheError('io', `Cannot read ${path}: it does not end. Name a file.`);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

/** The bytes of a file. Throws `model_not_found` where there is none, and `io`. */
export async function readBytes(path: string, { what, todo }: FilePurpose): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await findBytes(path);
  if (bytes) return bytes;
  throw new QuantCacheError('model_not_found', `There is no file ${path}; it would be ${what}. ${todo}`);
}

/** The text of a file; undefined where there is none. Throws `io`, and `corrupt_file` for what is no text. */
export async function findText(path: string): Promise<string | undefined> {
  const bytes = await findBytes(path);
  return bytes && textOf(bytes, path);
}

/** The text of a file. Throws `model_not_found` where there is none, `io`, and `corrupt_file` for what is no text. */
export async function readText(path: string, purpose: FilePurpose): Promise<string> {
  return textOf(await readBytes(path, purpose), path);
}

/** Text without a byte order mark. */
function textOf(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new QuantCacheError('corrupt_file', `${path} is not text in UTF-8. Save it as UTF-8.`, { cause });
  }
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
