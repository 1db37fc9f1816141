/**
 * States of prompts that a large text encoder made, kept on disk so that the same prompt is never encoded again. Keyed by all
 * that the states follow from, so that a run has the same bytes whether they are found or made.
 *
 * Invariants: nothing of it stops a run; files are readable by their owner alone, because they tell what was asked for; there
 * are at most so many bytes of them, the ones that were used longest ago go first.
 */
import { createHash } from 'node:crypto';
import { readdir, rm, stat, statfs, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { QuantCacheError } from '../../errors.ts';
import { findBytes } from '../../files/read.ts';
import { makeFolderOf, writeWhole } from '../../files/write.ts';
import type { TextContext } from '../../model.ts';
import { decode, encode } from '../../weights/format.ts';

/** Bytes that all states together may take: some hundred prompts of the longest kind. */
const most = 2 ** 30;
/** Free bytes that a disk must have beyond what is written. */
const spare = 2 ** 30;

export interface TextCache {
  /** The states of a key; undefined where there are none that can be used. */
  find(key: object): Promise<TextContext | undefined>;
  keep(key: object, context: TextContext): Promise<void>;
}

/** The cache in a folder, bounded to `limit` bytes. */
export function textCache(folder: string, limit = most): TextCache {
  const fileOf = (key: object) => join(folder, `${digestOf(JSON.stringify(key))}.safetensors`);
  return {
    async find(key) {
      const file = fileOf(key);
      const context = await findBytes(file)
        .then((bytes) => bytes && contextOf(bytes, file))
        .catch(goOn);
      const now = new Date();
      if (context) await utimes(file, now, now).catch(() => undefined); // it was used: only the order of going
      return context;
    },
    async keep(key, context) {
      const bytes = bytesOf(context);
      const file = fileOf(key);
      try {
        await makeFolderOf(file);
        const { bavail, bsize } = await statfs(folder);
        if (bytes.length > limit || bavail * bsize < bytes.length + spare) return;
        await removeOldest(folder, limit - bytes.length);
        await writeWhole(file, async (handle) => {
          await handle.chmod(0o600);
          await handle.writeFile(bytes);
        });
      } catch (error) {
        goOn(error);
      }
    },
  };
}

/** States with their digest: of a file that was changed nothing is used. */
function bytesOf({ states, dims, mask }: TextContext): Uint8Array {
  const flags = mask && Uint8Array.from(mask.flat());
  const tensors = [
    { name: 'states', dtype: 'F32' as const, shape: [...dims], data: states },
    ...(flags ? [{ name: 'mask', dtype: 'U8' as const, shape: dims.slice(0, 2), data: flags }] : []),
  ];
  return encode(tensors, { digest: digestOf(states) });
}

function contextOf(bytes: Uint8Array, file: string): TextContext | undefined {
  const { tensors, metadata, float32 } = decode(bytes, file);
  const shape = tensors.get('states')?.shape;
  if (shape?.length !== 3) return undefined;
  const states = float32('states');
  if (digestOf(states) !== metadata.digest) return undefined;
  const dims = shape as [number, number, number];
  if (!tensors.has('mask')) return { states, dims };
  const flags = [...float32('mask')];
  return { states, dims, mask: Array.from({ length: dims[0] }, (_, i) => flags.slice(i * dims[1], (i + 1) * dims[1])) };
}

/** Removes files that were used longest ago until the others take at most so many bytes. */
async function removeOldest(folder: string, limit: number): Promise<void> {
  const files = await Promise.all(
    (await readdir(folder)).map(async (name) => {
      const path = join(folder, name);
      const { size, mtimeMs } = await stat(path);
      return { path, size, mtimeMs };
    }),
  );
  let left = files.reduce((sum, { size }) => sum + size, 0);
  for (const { path, size } of files.sort((a, b) => a.mtimeMs - b.mtimeMs)) {
    if (left <= limit) return;
    await rm(path, { force: true });
    left -= size;
  }
}

/** What cannot be read or written is made anew; any other failure is thrown. */
function goOn(error: unknown): undefined {
  if (error instanceof Error && !(error instanceof QuantCacheError) && 'code' in error) return undefined;
  if (error instanceof QuantCacheError && ['io', 'corrupt_file', 'unsupported_format'].includes(error.code))
    return undefined;
  throw error;
}

const digestOf = (data: string | NodeJS.ArrayBufferView): string => createHash('sha256').update(data).digest('hex');
