/**
 * Saving a video: the format is the file's extension, and the file appears whole or not at all.
 * The bytes go to a temporary name in the same folder, reach the disk, and only then take the final name; any failure
 * or abort removes the temporary file and leaves an older file of that name as it was.
 */
import { randomUUID } from 'node:crypto';
import { open, rename, stat, statfs, unlink } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import { messageOf, QuantCacheError, throwIfAborted } from '../errors.ts';
import type { VideoFormat } from './encoder.ts';
import type { Frames } from './frames.ts';
import { gif } from './gif.ts';
import type { VideoMetadata } from './metadata.ts';
import { mp4 } from './mp4.ts';
import { png } from './png.ts';
import { webm } from './webm.ts';
import { webp } from './webp.ts';

const formats = new Map<string, VideoFormat>([
  ['.mp4', mp4],
  ['.webm', webm],
  ['.gif', gif],
  ['.webp', webp],
  ['.png', png],
]);

/** The file extensions that `saveVideo` knows, with their dot. */
export const videoExtensions: readonly string[] = [...formats.keys()];

/** Free bytes below which a run is refused before it starts. */
const leastFreeBytes = 1_000_000;

/** Encodes frames by the extension of `path`, with `metadata` embedded as JSON; an existing file is replaced. */
export async function saveVideo(
  frames: Frames,
  path: string,
  metadata: VideoMetadata = {},
  signal?: AbortSignal,
): Promise<void> {
  throwIfAborted(signal);
  const encoding = formatOf(path).encode(frames, JSON.stringify(metadata), signal);
  const bytes = await encoding.catch((error: unknown) => {
    throw error instanceof QuantCacheError ? error : encodeError(frames, path, error);
  });
  await writeWhole(path, bytes, signal);
}

/**
 * Throws what `saveVideo` would throw later: unknown extension, missing optional package, missing or read-only folder, a
 * folder in the file's place, a name too long, a full disk. Call it before minutes of computation.
 */
export async function assertWritable(path: string): Promise<void> {
  await formatOf(path).prepare?.();
  const folder = dirname(path);
  try {
    const existing = await stat(path).catch((error: unknown) => {
      if (codeOf(error) !== 'ENOENT') throw error;
    });
    if (existing?.isDirectory()) throw Object.assign(new Error('a folder has that name'), { code: 'EISDIR' });
    const probe = temporaryPath(path);
    await (await open(probe, 'wx')).close();
    await unlink(probe);
    const { bavail, bsize } = await statfs(folder);
    if (bavail * bsize < leastFreeBytes) throw Object.assign(new Error('the disk is full'), { code: 'ENOSPC' });
  } catch (error) {
    throw writeError(path, error);
  }
}

function formatOf(path: string): VideoFormat {
  const extension = extname(path).toLowerCase();
  const format = formats.get(extension);
  if (format) return format;
  const given = extension === '' ? 'no extension' : `the extension ${extension}`;
  throw new QuantCacheError(
    'unsupported_format',
    `The output ${JSON.stringify(path)} has ${given}. Name it with one of ${videoExtensions.join(', ')}.`,
  );
}

async function writeWhole(path: string, bytes: Uint8Array, signal: AbortSignal | undefined): Promise<void> {
  const temporary = temporaryPath(path);
  try {
    const file = await open(temporary, 'wx');
    try {
      await file.writeFile(bytes, { signal });
      await file.sync();
    } finally {
      await file.close();
    }
    throwIfAborted(signal);
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => {}); // it may never have been made
    throwIfAborted(signal);
    throw writeError(path, error);
  }
}

/** A name beside the final one that no other run uses, short whatever the final name's length. */
function temporaryPath(path: string): string {
  return join(dirname(path), `.quantcache-${randomUUID()}.tmp`);
}

function encodeError(frames: Frames, path: string, error: unknown): QuantCacheError {
  return new QuantCacheError(
    'io',
    `Cannot encode ${frames.count} frames of ${frames.width}x${frames.height} for ${path}: ${messageOf(error)}. Another extension (${videoExtensions.join(', ')}) may work.`,
    { cause: error },
  );
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'its folder does not exist. Make the folder first',
  ENOTDIR: 'a part of its path is a file, not a folder. Choose another place with --out',
  EISDIR: 'a folder has that name. Choose another name with --out',
  EACCES: 'its folder may not be written to. Choose another place with --out',
  EPERM: 'its folder may not be written to. Choose another place with --out',
  EROFS: 'its disk is read-only. Choose another place with --out',
  ENOSPC: 'the disk is full. Free some space or choose another place with --out',
  EDQUOT: 'your disk quota is used up. Free some space or choose another place with --out',
  ENAMETOOLONG: 'its name is too long. Choose a shorter one with --out',
};

function writeError(path: string, error: unknown): QuantCacheError {
  const reason = reasons[codeOf(error) ?? ''] ?? messageOf(error);
  return new QuantCacheError('io', `Cannot write ${path}: ${reason}.`, { cause: error });
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
