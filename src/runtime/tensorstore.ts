/**
 * Tensors that are kept for later, by key. Each is retained when it is put in and released when it is replaced or the store
 * is disposed of, so that nobody holds more than can be named.
 */
import type { Tensor } from './runtime.ts';
import { release, retain } from './sharing.ts';

export interface TensorStore {
  get(key: string): Tensor | undefined;
  has(key: string): boolean;
  /** Keeps a borrowed tensor, in place of the one kept under this key. */
  keep(key: string, borrowed: Tensor): void;
  /** Keeps a tensor that was made for the store. */
  own(key: string, made: Tensor): void;
  drop(key: string): void;
  /** What is kept at the moment, borrowed. */
  entries(): Iterable<readonly [string, Tensor]>;
  /** Size of all tensors held, in bytes; one held under two keys counts once. */
  bytes(): number;
  /** Drops all; the store stays usable. */
  dispose(): void;
}

/** An empty store. */
export function tensorStore(): TensorStore {
  const tensors = new Map<string, Tensor>();
  const drop = (key: string) => {
    const tensor = tensors.get(key);
    tensors.delete(key);
    if (tensor) release(tensor);
  };
  const own = (key: string, made: Tensor) => {
    drop(key);
    tensors.set(key, made);
  };
  return {
    get: (key) => tensors.get(key),
    has: (key) => tensors.has(key),
    keep: (key, borrowed) => own(key, retain(borrowed)),
    own,
    drop,
    entries: () => tensors.entries(),
    bytes: () => [...new Set(tensors.values())].reduce((sum, tensor) => sum + bytesOf(tensor), 0),
    dispose() {
      for (const key of [...tensors.keys()]) drop(key);
    },
  };
}

/** Size of a tensor in bytes. */
export const bytesOf = ({ dims, type }: Tensor): number =>
  dims.reduce((size, dimension) => size * dimension, type === 'float16' ? 2 : 4);
