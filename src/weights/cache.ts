/**
 * Our own folder of what can be made again: remembered hashes and packed weights.
 *
 * Invariant: a folder that cannot be read or written, or a full disk, stops no run. It is said once, and what is needed is
 * kept for as long as the process lives: small entries in memory, large ones in a temporary folder.
 */
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readEnvironment } from '../environment.ts';
import { QuantCacheError } from '../errors.ts';
import { fileError } from '../files/failure.ts';
import { findText } from '../files/read.ts';
import { assertCanWrite, makeFolderOf, saveText } from '../files/write.ts';

export interface Cache {
  /** A small entry by its path within the folder; undefined where there is none. */
  find(name: string): Promise<string | undefined>;
  /** Keeps a small entry. */
  keep(name: string, text: string): Promise<void>;
  /** Where a large entry may lie, the usual place first. */
  places(name: string): string[];
  /** Makes a large entry with `write`, in the folder or, if that fails, in a temporary one; its path. */
  make(name: string, write: (path: string) => Promise<void>): Promise<string>;
}

/** The cache in a folder, by default `QUANTCACHE_HOME`. `warn` is told once if the folder does not serve. */
export function openCache(
  folder: string = readEnvironment().home,
  warn: (message: string) => void = () => undefined,
): Cache {
  const inMemory = new Map<string, string>();
  let temporary: string | undefined;
  let warned = false;

  /** Goes on after a failure of the file system; throws any other. */
  function goOn(error: unknown): void {
    if (!(error instanceof QuantCacheError) || error.code !== 'io') throw error;
    if (!warned)
      warn(
        `${error.message} Going on without it: every run hashes and packs weights anew. Set QUANTCACHE_HOME to another folder.`,
      );
    warned = true;
  }

  return {
    async find(name) {
      const present = inMemory.get(name);
      if (present !== undefined) return present;
      return findText(join(folder, name)).catch((error: unknown) => {
        if (!(error instanceof QuantCacheError) || error.code !== 'corrupt_file') goOn(error); // what is no text is no entry
        return undefined;
      });
    },
    async keep(name, text) {
      inMemory.set(name, text);
      if (!warned) await saveText(join(folder, name), text).catch(goOn);
    },
    places: (name) => [folder, ...(temporary ? [temporary] : [])].map((place) => join(place, name)),
    async make(name, write) {
      const usual = join(folder, name);
      try {
        await makeFolderOf(usual);
        await assertCanWrite(usual); // before minutes of packing
        await write(usual);
        return usual;
      } catch (error) {
        goOn(error);
      }
      temporary ??= await temporaryFolder();
      const path = join(temporary, name);
      await write(path).catch((error: unknown) => {
        if (!(error instanceof QuantCacheError) || error.code !== 'io') throw error;
        const message = `${error.message} Nor could it be written to ${usual}. Set QUANTCACHE_HOME to a folder with room for it.`;
        throw new QuantCacheError('io', message, { cause: error });
      });
      return path;
    },
  };
}

/** A new folder that ends with the process. */
async function temporaryFolder(): Promise<string> {
  const parent = join(tmpdir(), 'quantcache-');
  const folder = await mkdtemp(parent).catch((error: unknown) => {
    throw fileError('write', parent, error);
  });
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
