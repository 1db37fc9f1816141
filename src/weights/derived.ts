/**
 * Checkpoints derived from others and kept, such as quantized weights: written once, opened from then on.
 *
 * Invariants: a file is used only if its header is whole, it says the key that it was asked for by, and its content is
 * still what was written (a digest lies beside it); anything else is written anew.
 */
import { readFile } from 'node:fs/promises';
import { QuantCacheError } from '../errors.ts';
import { systemCode } from '../files/failure.ts';
import { saveText } from '../files/write.ts';
import { type Checkpoint, openCheckpoint } from './checkpoint.ts';
import { hashFile } from './hash.ts';
import { type TensorSource, writeSafetensors } from './safetensors.ts';

export interface DerivedOptions {
  /** What the content depends on, in full; kept in the file's metadata. */
  readonly key: string;
  /** Folder of remembered hashes. */
  readonly home: string;
  readonly signal?: AbortSignal;
}

/** The checkpoint at `path` if it is the one of this key, or else made of `tensors()` and written there. */
export async function openDerived(
  path: string,
  tensors: () => Promise<Iterable<TensorSource>>,
  options: DerivedOptions,
): Promise<Checkpoint> {
  const present = await openIfWhole(path, options);
  if (present) return present;
  await writeSafetensors(path, await tensors(), { key: options.key }, options.signal);
  const digest = await hashFile(path, options);
  await saveText(digestFile(path), digest);
  return openCheckpoint(path);
}

const digestFile = (path: string): string => `${path}.sha256`;

async function openIfWhole(path: string, options: DerivedOptions): Promise<Checkpoint | undefined> {
  try {
    const checkpoint = await openCheckpoint(path);
    if (checkpoint.metadata.key !== options.key) return undefined;
    const digest = await readFile(digestFile(path), 'utf8');
    return digest === (await hashFile(path, options)) ? checkpoint : undefined;
  } catch (error) {
    const unusable = error instanceof QuantCacheError && ['model_not_found', 'corrupt_file'].includes(error.code);
    if (unusable || systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
