/**
 * Checkpoints derived from others and kept, such as quantized weights: written once, opened from then on.
 *
 * Invariants: a file is used only if its header is whole, it says the key that it was asked for by, and its content is
 * still what was written (a digest lies beside it); anything else is written anew.
 */
import { QuantCacheError } from '../errors.ts';
import { findText } from '../files/read.ts';
import { saveText } from '../files/write.ts';
import type { Cache } from './cache.ts';
import { type Checkpoint, openCheckpoint } from './checkpoint.ts';
import { hashFile } from './hash.ts';
import { type TensorSource, writeSafetensors } from './safetensors.ts';

export interface DerivedOptions {
  /** What the content depends on, in full; kept in the file's metadata. */
  readonly key: string;
  readonly cache: Cache;
  readonly signal?: AbortSignal;
}

/** The checkpoint of this name in the cache if it is the one of this key, or else made of `tensors()` and kept there. */
export async function openDerived(
  name: string,
  tensors: () => Promise<Iterable<TensorSource>>,
  options: DerivedOptions,
): Promise<Checkpoint> {
  for (const path of options.cache.places(name)) {
    const present = await openIfWhole(path, options);
    if (present) return present;
  }
  const path = await options.cache.make(name, async (place) => {
    await writeSafetensors(place, await tensors(), { key: options.key }, options.signal);
    await saveText(digestFile(place), await hashFile(place, options));
  });
  return openCheckpoint(path);
}

const digestFile = (path: string): string => `${path}.sha256`;

async function openIfWhole(path: string, options: DerivedOptions): Promise<Checkpoint | undefined> {
  try {
    const checkpoint = await openCheckpoint(path);
    if (checkpoint.metadata.key !== options.key) return undefined;
    return (await findText(digestFile(path))) === (await hashFile(path, options)) ? checkpoint : undefined;
  } catch (error) {
    // Missing, broken or unreadable: in no case does it serve, and `make` says what can be done.
    if (error instanceof QuantCacheError && ['model_not_found', 'corrupt_file', 'io'].includes(error.code))
      return undefined;
    throw error;
  }
}
