/**
 * What is kept in `QUANTCACHE_HOME`, all of which can be made again: how much it is, and its removal. Downloaded models lie in
 * the cache of the hub, which other programs share; they are counted and never removed.
 */
import { lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Environment, readEnvironment } from './environment.ts';
import { QuantCacheError } from './errors.ts';
import { fileError } from './files/failure.ts';

/** Our own caches by the name of their folder. */
const own = {
  quantized: 'weights packed for integer precisions',
  text: 'prompts that a large text encoder encoded',
  hashes: 'hashes of weights',
} as const;

export interface Kept {
  readonly name: string;
  /** What it holds. */
  readonly holds: string;
  readonly folder: string;
  readonly files: number;
  readonly bytes: number;
  /** Whether `clearCaches` may remove it. */
  readonly ours: boolean;
}

/** Everything that is kept; folders that are not there yet are empty. */
export async function listCaches({ home, hubCache }: Environment = readEnvironment()): Promise<Kept[]> {
  const folders = [
    ...Object.entries(own).map(([name, holds]) => ({ name, holds, folder: join(home, name), ours: true })),
    { name: 'models', holds: 'downloaded models, shared with other programs', folder: hubCache, ours: false },
  ];
  return Promise.all(folders.map(async (kept) => ({ ...kept, ...(await sizeOf(kept.folder)) })));
}

/** Removes caches of ours, by default all; what was removed. Throws `invalid_option` for other names, and `io`. */
export async function clearCaches(
  names: readonly string[] = Object.keys(own),
  environment: Environment = readEnvironment(),
): Promise<Kept[]> {
  const strange = names.filter((name) => !Object.hasOwn(own, name));
  if (strange.length > 0)
    throw new QuantCacheError(
      'invalid_option',
      `There is no cache "${strange[0]}" to clear; name ${Object.keys(own).join(', ')}, or none for all of these.`,
    );
  const cleared = (await listCaches(environment)).filter(({ name }) => names.includes(name));
  for (const { folder } of cleared)
    await rm(folder, { recursive: true, force: true }).catch((error: unknown) => {
      throw fileError('write', folder, error);
    });
  return cleared;
}

/** Files in a folder and their bytes, links not followed. */
async function sizeOf(folder: string): Promise<{ files: number; bytes: number }> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile());
  let bytes = 0;
  for (const { parentPath, name } of files)
    bytes += (await lstat(join(parentPath, name)).catch(() => undefined))?.size ?? 0;
  return { files: files.length, bytes };
}
