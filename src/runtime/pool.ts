/**
 * Memory of disposed tensors, kept for the next tensors of the same size. A step of a large model makes hundreds of
 * hidden states of 20 MB; left to the garbage collector, which does not see native memory, they pile up to gigabytes.
 */

export interface BufferPool {
  /** Memory of exactly so many bytes; its contents are undefined. */
  take(bytes: number): ArrayBuffer;
  /** Gives memory back; it must not be used any more. */
  give(buffer: ArrayBuffer): void;
}

/** A pool that keeps at most `most` buffers of each size. */
export function bufferPool(most = 8): BufferPool {
  const free = new Map<number, ArrayBuffer[]>();
  return {
    take: (bytes) => free.get(bytes)?.pop() ?? new ArrayBuffer(bytes),
    give(buffer) {
      const same = free.get(buffer.byteLength);
      if (!same) free.set(buffer.byteLength, [buffer]);
      else if (same.length < most) same.push(buffer);
    },
  };
}
