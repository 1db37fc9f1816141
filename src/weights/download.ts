/**
 * Downloads one file of the hub into the cache: resumed, checked, and told about.
 *
 * Invariants: a blob has its final name only when all its bytes are there and their hash is the one the hub lists (SHA-256
 * for large files, git's SHA-1 for small ones). Bytes are written at their own offset, so two processes that fetch the same
 * file do each other no harm. A dropped connection is resumed where it stopped; `@huggingface/hub` 2.17 starts again.
 */
import { createHash, type Hash } from 'node:crypto';
import { constants, type FileHandle, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { HubApiError } from '@huggingface/hub';
import { QuantCacheError } from '../errors.ts';
import { fileError, systemCode } from '../files/failure.ts';
import { feedFile } from './hash.ts';

/** Attempts in a row that may bring no byte before we give up. */
const attemptsWithoutProgress = 4;
/** Least time between two progress events of a file, in ms. */
const progressInterval = 100;

/** A file as the hub lists it. */
export interface RemoteFile {
  /** Its path in the repository. */
  path: string;
  url: string;
  size: number;
  /** Git's hash of the file, or of its LFS pointer. */
  oid: string;
  /** SHA-256 of the content, for files in large-file storage. */
  sha256: string | undefined;
}

/** Told while files are downloaded. */
export interface DownloadProgress {
  type: 'download';
  file: string;
  /** Bytes here so far, those of an earlier run included. */
  received: number;
  /** Bytes in all. */
  total: number;
}

/** How to download. */
export interface DownloadOptions {
  fetch: typeof fetch;
  onProgress?: (event: DownloadProgress) => void;
  signal?: AbortSignal;
  /** Wait before the second attempt, in ms; doubled for each further one. Default 1000. */
  retryDelay?: number;
}

interface PartialFile {
  handle: FileHandle;
  hash: Hash;
  /** Bytes written and hashed. */
  position: number;
}

/** Brings a file's content to `blob`, unless it is there already. */
export async function downloadBlob(file: RemoteFile, blob: string, options: DownloadOptions): Promise<void> {
  const present = await stat(blob).catch(() => undefined);
  if (present?.size === file.size) return;
  const path = `${blob}.incomplete`;
  const partial = await openPartial(file, path, options.signal);
  const resumed = partial.position > 0;
  try {
    await receiveAll(file, partial, path, options);
  } finally {
    await partial.handle.close();
  }
  const expected = file.sha256 ?? file.oid;
  const found = partial.hash.digest('hex');
  if (found !== expected) {
    await rm(path, { force: true });
    if (resumed) return downloadBlob(file, blob, options); // the earlier part may be to blame: once more, from the start
    const message = `${file.url} has hash ${found}, but the hub lists ${expected}. It was discarded; try again, and if that fails too, use another mirror (HF_ENDPOINT).`;
    throw new QuantCacheError('corrupt_file', message);
  }
  await rename(path, blob).catch(async (error: unknown) => {
    if (systemCode(error) === 'ENOENT' && (await stat(blob).catch(() => undefined))) return; // another process was faster
    throw fileError('write', blob, error);
  });
}

/** A hash that begins as the hub's does for this file. */
function beginHash(file: RemoteFile): Hash {
  return file.sha256 ? createHash('sha256') : createHash('sha1').update(`blob ${file.size}\0`);
}

async function openPartial(file: RemoteFile, path: string, signal: AbortSignal | undefined): Promise<PartialFile> {
  let handle: FileHandle | undefined;
  try {
    await mkdir(dirname(path), { recursive: true });
    handle = await open(path, constants.O_RDWR | constants.O_CREAT);
    const { size } = await handle.stat();
    const position = size <= file.size ? size : 0;
    if (position !== size) await handle.truncate(0);
    const hash = beginHash(file);
    await feedFile(hash, path, { end: position, signal });
    return { handle, hash, position };
  } catch (error) {
    await handle?.close();
    throw fileError('write', path, error);
  }
}

async function receiveAll(
  file: RemoteFile,
  partial: PartialFile,
  path: string,
  options: DownloadOptions,
): Promise<void> {
  let before = partial.position;
  const progressed = () => partial.position > before;
  await persistently(
    async () => {
      before = partial.position;
      if (before === file.size) return; // an earlier run has it all
      await receive(file, partial, path, options);
      const { position } = partial;
      const end = `${file.url} ended after ${position} of ${file.size} bytes`;
      if (position < file.size) throw new Error('The answer ended early.', { cause: end });
    },
    { ...options, progressed },
  );
}

/** How often to ask. */
export interface Persistence {
  signal?: AbortSignal;
  /** Wait before the second attempt, in ms; doubled for each further one. Default 1000. */
  retryDelay?: number;
  /** Whether the last attempt brought something, so that the count begins again. */
  progressed?: () => boolean;
}

/** Whether talking to a server failed, and not this program: `fetch` gives a cause, the system and undici a code. */
export function isOfConnection(error: unknown): boolean {
  if (error instanceof HubApiError) return true;
  return error instanceof Error && (error.cause !== undefined || systemCode(error) !== undefined);
}

/** Makes a request again that fails in passing, after a wait that doubles; what is final is thrown at once. */
export async function persistently<Result>(request: () => Promise<Result>, options: Persistence): Promise<Result> {
  let failures = 0;
  for (;;) {
    try {
      return await request();
    } catch (error) {
      if (options.signal?.aborted) throw error;
      const status = error instanceof HubApiError ? error.statusCode : undefined;
      const isFinalStatus = status && status < 500 && status !== 429 && status !== 408;
      const final = error instanceof QuantCacheError || !isOfConnection(error) || isFinalStatus;
      failures = options.progressed?.() ? 1 : failures + 1;
      if (final || failures >= attemptsWithoutProgress) throw error;
      const wait = (options.retryDelay ?? 1000) * 2 ** (failures - 1);
      await delay(wait, undefined, { signal: options.signal }).catch(() => undefined); // an abort ends the next request
    }
  }
}

/** One request for what is still missing. */
async function receive(file: RemoteFile, partial: PartialFile, path: string, options: DownloadOptions): Promise<void> {
  const range: Record<string, string> = partial.position ? { Range: `bytes=${partial.position}-` } : {};
  const response = await options.fetch(file.url, { headers: { ...range, 'Accept-Encoding': 'identity' } });
  if (!response.ok || !response.body) {
    await response.body?.cancel();
    throw new HubApiError(file.url, response.status);
  }
  if (partial.position && response.status !== 206) await restart(file, partial, path); // the server ignores ranges
  let told = 0;
  const tell = () => {
    told = performance.now();
    options.onProgress?.({ type: 'download', file: file.path, received: partial.position, total: file.size });
  };
  tell();
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    if (partial.position + chunk.length > file.size) {
      await restart(file, partial, path);
      const message = `${file.url} is longer than the ${file.size} bytes that the hub lists. It was discarded; try again, or use another mirror (HF_ENDPOINT).`;
      throw new QuantCacheError('corrupt_file', message);
    }
    await writeChunk(partial, chunk, path);
    if (performance.now() - told >= progressInterval) tell();
  }
  tell();
}

async function writeChunk(partial: PartialFile, chunk: Uint8Array, path: string): Promise<void> {
  let done = 0;
  try {
    while (done < chunk.length) {
      const { bytesWritten } = await partial.handle.write(chunk, done, chunk.length - done, partial.position + done);
      done += bytesWritten;
    }
  } catch (error) {
    throw fileError('write', path, error);
  }
  partial.hash.update(chunk);
  partial.position += chunk.length;
}

async function restart(file: RemoteFile, partial: PartialFile, path: string): Promise<void> {
  await partial.handle.truncate(0).catch((error: unknown) => {
    throw fileError('write', path, error);
  });
  partial.hash = beginHash(file);
  partial.position = 0;
}
