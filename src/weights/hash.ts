/**
 * The identity of a checkpoint's content: what caches of quantized weights and profiles are keyed by.
 *
 * Invariants: a real SHA-256 of all bytes, so equal content has an equal hash wherever it lies and whatever it is called;
 * computed once per file and remembered by path, size and modification time in `<home>/hashes`.
 */
import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { throwIfAborted } from '../errors.ts';
import { fileError } from '../files/failure.ts';
import { saveText } from '../files/write.ts';
import type { Checkpoint } from './checkpoint.ts';
import { readEnvironment } from './environment.ts';

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
  /** Folder for remembered hashes. Default: `QUANTCACHE_HOME`. */
  home?: string;
}

/** The SHA-256 of a checkpoint's content as 64 hexadecimal digits: of its file, or of its files' hashes in order. */
export async function hashWeights(checkpoint: Pick<Checkpoint, 'files'>, options: HashOptions = {}): Promise<string> {
  const hashes: string[] = [];
  for (const file of checkpoint.files) hashes.push(await hashFile(file, options));
  return hashes.length === 1 ? hashes[0]! : createHash('sha256').update(hashes.join('\n')).digest('hex');
}

/** The SHA-256 of one file, from memory if the file has not changed since. */
export async function hashFile(path: string, options: HashOptions = {}): Promise<string> {
  const home = options.home ?? readEnvironment().home;
  const { size, mtimeNs } = await stat(path, { bigint: true }).catch((error: unknown) => {
    throw fileError('read', path, error);
  });
  const state = `${size} ${mtimeNs} ${path}`;
  const memory = join(home, 'hashes', createHash('sha256').update(path).digest('hex'));
  const remembered = await readFile(memory, 'utf8').catch(() => '');
  if (remembered.slice(65) === state && /^[0-9a-f]{64} /.test(remembered)) return remembered.slice(0, 64);

  const hash = createHash('sha256');
  const total = Number(size);
  await feedFile(hash, path, {
    signal: options.signal,
    onBytes: (received) => options.onProgress?.({ type: 'hash', file: basename(path), received, total }),
  });
  const digest = hash.digest('hex');
  await saveText(memory, `${digest} ${state}`);
  return digest;
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
