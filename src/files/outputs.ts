/** The files that a run will write, checked together before anything is computed. */
import { randomUUID } from 'node:crypto';
import { realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { QuantCacheError } from '../errors.ts';
import { systemCode } from './failure.ts';
import { assertCanWrite, destination } from './write.ts';

/** A file, and the option that names it, such as `--trace`. */
export interface NamedFile {
  readonly path: string;
  readonly option: string;
}

export interface Output extends NamedFile {
  /** Whether missing folders are made when the file is written. */
  readonly makesFolder?: boolean;
}

/**
 * Throws `io` where a file cannot be written, and `invalid_option` where two outputs are the same file or an output is a file
 * that the run reads.
 */
export async function assertOutputs(outputs: readonly Output[], inputs: readonly NamedFile[] = []): Promise<void> {
  const taken = new Map<string, string>();
  for (const { path, option } of inputs) taken.set(await identityOf(path).catch(() => path), `${option} reads`);
  for (const { path, option, makesFolder } of outputs) {
    await assertCanWrite(path, makesFolder ? await nearest(path) : path);
    const identity = await identityOf(path);
    const other = taken.get(identity);
    if (other !== undefined)
      throw new QuantCacheError(
        'invalid_option',
        `${option} would write the file that ${other}: ${path}. Give one of them another name.`,
      );
    taken.set(identity, `${option} writes`);
  }
}

/** A path in the nearest folder that exists, where the folders in between are going to be made. */
async function nearest(path: string): Promise<string> {
  let folder = dirname(path);
  while (dirname(folder) !== folder && !(await exists(folder))) folder = dirname(folder);
  return join(folder, basename(path));
}

/** Equal texts for the same file, whatever names it was given. */
async function identityOf(path: string): Promise<string> {
  const { target, isStream } = await destination(path);
  const status = await stat(target).catch(() => undefined);
  if (isStream && status?.isCharacterDevice()) return randomUUID(); // such as /dev/null, which takes any number of outputs
  if (status) return `${status.dev}:${status.ino}`;
  const folder = await realpath(dirname(target)).catch(() => resolve(dirname(target)));
  const file = join(folder, basename(target));
  const ignoresCase = process.platform === 'darwin' || process.platform === 'win32';
  return ignoresCase ? file.normalize('NFC').toLowerCase() : file;
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    (error: unknown) => systemCode(error) !== 'ENOENT',
  );
