/**
 * Safetensors files on disk: read the header, read a small tensor, write a file of any size.
 *
 * Invariants: reading a header never touches the data; writing holds one chunk at a time in memory and leaves either the
 * whole file or none. The format itself is in `format.ts`.
 */
import { type FileHandle, open, stat } from 'node:fs/promises';
import { QuantCacheError, throwIfAborted } from '../errors.ts';
import { fileError } from '../files/failure.ts';
import { readRange } from '../files/read.ts';
import { makeFolderOf, writeWhole } from '../files/write.ts';
import { bytesOf, toFloat32 } from './dtypes.ts';
import {
  checkLength,
  type Header,
  headerLength,
  layout,
  parseHeader,
  type TensorEntry,
  type TensorShape,
} from './format.ts';

type Chunks = Iterable<ArrayBufferView> | AsyncIterable<ArrayBufferView>;

/** A tensor to write; a function is called only when its turn comes, so that large files need little memory. */
export interface TensorSource extends TensorShape {
  /** The little-endian bytes: at once (any typed array), in chunks, or from a function giving either. */
  data: ArrayBufferView | Chunks | (() => ArrayBufferView | Chunks | Promise<ArrayBufferView | Chunks>);
}

/** Reads and checks the header of a safetensors file. */
export async function readHeader(path: string): Promise<Header> {
  let handle: FileHandle | undefined;
  try {
    const status = await stat(path);
    if (!status.isFile())
      throw new QuantCacheError('model_not_found', `${path} is not a file. Name a .safetensors file.`);
    handle = await open(path, 'r');
    const prefix = new Uint8Array(8);
    await handle.read(prefix, 0, prefix.length, 0);
    const length = headerLength(prefix, status.size, path);
    const json = await readRange(path, prefix.length, length);
    return parseHeader(json, status.size, path);
  } catch (error) {
    throw fileError('read', path, error);
  } finally {
    await handle?.close();
  }
}

/** The bytes of one tensor of a file. */
export function readBytes(path: string, tensor: Pick<TensorEntry, 'offset' | 'length'>): Promise<Uint8Array> {
  return readRange(path, tensor.offset, tensor.length);
}

/** One tensor of a file as float32; meant for small ones, as it copies. */
export async function readTensor(path: string, tensor: Omit<TensorEntry, 'name' | 'shape'>): Promise<Float32Array> {
  return toFloat32(await readBytes(path, tensor), tensor.dtype);
}

/** Writes a safetensors file, tensor after tensor; the same tensors and metadata always give the same bytes. */
export async function writeSafetensors(
  path: string,
  tensors: Iterable<TensorSource>,
  metadata?: Record<string, string>,
  signal?: AbortSignal,
): Promise<void> {
  const sources = new Map<string, TensorSource>();
  const list = [...tensors];
  for (const tensor of list) sources.set(tensor.name, tensor);
  const { head, entries } = layout(list, metadata);
  await makeFolderOf(path);
  await writeWhole(path, async (handle) => {
    await writeAll(handle, head);
    for (const entry of entries) {
      let written = 0;
      for await (const chunk of chunksOf(sources.get(entry.name)!.data)) {
        throwIfAborted(signal);
        const bytes = bytesOf(chunk);
        await writeAll(handle, bytes);
        written += bytes.length;
      }
      checkLength(entry, written);
    }
  });
}

async function* chunksOf(data: TensorSource['data']): AsyncGenerator<ArrayBufferView> {
  const given = typeof data === 'function' ? await data() : data;
  if (ArrayBuffer.isView(given)) yield given;
  else yield* given;
}

async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const step = Math.min(bytes.length - done, 2 ** 30); // one system call writes less than 2 GiB
    const { bytesWritten } = await handle.write(bytes, done, step);
    done += bytesWritten;
  }
}
