/**
 * The identity of a checkpoint's content: what caches of quantized weights and profiles are keyed by.
 *
 * Invariants: a real SHA-256 of all bytes, so equal content has an equal hash wherever it lies and whatever it is called.
 * It is computed once and remembered with the file's state: path, size, times, inode and a digest of samples of its bytes.
 * Size and modification time alone would not do: `cp -p`, rsync and the layers of container images keep both. What they
 * cannot keep is the time of the last change (ctime), which the file system sets by itself; where it does not, the samples
 * notice other weights, since training changes nearly every number.
 */
import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { basename } from 'node:path';
import { throwIfAborted } from '../errors.ts';
import { fileError } from '../files/failure.ts';
import { type Cache, openCache } from './cache.ts';
import type { Checkpoint } from './checkpoint.ts';

/** Samples of a file and bytes of each: a quarter of a megabyte, milliseconds for a file of any size. */
const samples = { count: 64, bytes: 4096 };

/** Told while a file is hashed. */
export interface HashProgress {
  type: 'hash';
  file: string;
  /** Bytes done. */
  received: number;
  /** Bytes in all. */
  total: number;
}

/** How to hash. */
export interface HashOptions {
  onProgress?: (event: HashProgress) => void;
  signal?: AbortSignal;
  /** Where hashes are remembered. Default: in `QUANTCACHE_HOME`. */
  cache?: Cache;
}

/** The SHA-256 of a checkpoint's content as 64 hexadecimal digits: of its file, or of its files' hashes in order. */
export async function hashWeights(checkpoint: Pick<Checkpoint, 'files'>, options: HashOptions = {}): Promise<string> {
  const cache = options.cache ?? openCache();
  const hashes: string[] = [];
  for (const file of checkpoint.files) hashes.push(await hashFile(file, { ...options, cache }));
  return hashes.length === 1 ? hashes[0]! : createHash('sha256').update(hashes.join('\n')).digest('hex');
}

/** The SHA-256 of one file, from memory if the file has not changed since. */
export async function hashFile(path: string, options: HashOptions = {}): Promise<string> {
  const cache = options.cache ?? openCache();
  const name = `hashes/${createHash('sha256').update(path).digest('hex')}`;
  const { state, size } = await stateOf(path);
  const [digest, remembered] = (await cache.find(name))?.split('\n') ?? [];
  if (digest && remembered === state && /^[0-9a-f]{64}$/.test(digest)) return digest;

  const hash = createHash('sha256');
  await feedFile(hash, path, {
    signal: options.signal,
    onBytes: (received) => options.onProgress?.({ type: 'hash', file: basename(path), received, total: size }),
  });
  const computed = hash.digest('hex');
  await cache.keep(name, `${computed}\n${state}`);
  return computed;
}

/** All that tells cheaply whether a file has changed: a digest of its state. */
async function stateOf(path: string): Promise<{ state: string; size: number }> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, 'r');
    const { size, mtimeNs, ctimeNs, ino, dev } = await handle.stat({ bigint: true });
    const hash = createHash('sha256').update([path, size, mtimeNs, ctimeNs, ino, dev].join('\n'));
    const buffer = new Uint8Array(samples.bytes);
    const last = Math.max(Number(size) - samples.bytes, 0);
    for (let i = 0; i < samples.count; i++) {
      const offset = Math.floor((last * i) / (samples.count - 1));
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, offset);
      hash.update(buffer.subarray(0, bytesRead));
    }
    return { state: hash.digest('hex'), size: Number(size) };
  } catch (error) {
    throw fileError('read', path, error);
  } finally {
    await handle?.close();
  }
}

/** Feeds a file's first `end` bytes (default: all) to a hash; calls `onBytes` with the count so far. */
export async function feedFile(
  hash: Hash,
  path: string,
  options: { end?: number; signal?: AbortSignal; onBytes?: (done: number) => void } = {},
): Promise<void> {
  if (options.end === 0) return;
  const last = options.end === undefined ? Number.POSITIVE_INFINITY : options.end - 1;
  let done = 0;
  try {
    for await (const chunk of createReadStream(path, { end: last, highWaterMark: 2 ** 20 })) {
      throwIfAborted(options.signal);
      hash.update(chunk);
      done += chunk.length;
      options.onBytes?.(done);
    }
  } catch (error) {
    throw fileError('read', path, error);
  }
}
