/**
 * The safetensors format, on bytes alone (runs anywhere): 8 bytes with the header's length, a JSON header, the data.
 *
 * Invariants checked on reading, as the reference does: known types, lengths that agree with shapes, no gap, no overlap,
 * nothing missing and nothing after the last tensor. On writing: the data begins at a multiple of 64 bytes, tensors are
 * ordered by element size (largest first) and then name, so that each is aligned to its elements and equal input gives
 * equal bytes. Reference: https://github.com/huggingface/safetensors (format, and `Metadata::validate`).
 */

import { QuantCacheError } from '../errors.ts';
import { duplicateName } from '../files/strictjson.ts';
import { bytesOf, type Dtype, elementCount, elementSize, isDtype, toFloat32 } from './dtypes.ts';

/** The reference's limit on the header, in bytes. */
const headerLimit = 100_000_000;
/** What the data's begin is aligned to, in bytes. */
const dataAlignment = 64;
/** Bytes that hold the header's length. */
const prefixSize = 8;

/** Where one tensor lies in its file: `offset` is counted in bytes from the beginning of the file. */
export interface TensorEntry {
  name: string;
  dtype: Dtype;
  shape: number[];
  offset: number;
  length: number;
}

/** What a safetensors file says about itself. */
export interface Header {
  tensors: Map<string, TensorEntry>;
  /** The file's `__metadata__`: free text by key. */
  metadata: Record<string, string>;
  /** Where the data begins, in bytes from the beginning of the file. */
  dataStart: number;
}

/** A tensor's description without its place. */
export type TensorShape = Pick<TensorEntry, 'name' | 'dtype' | 'shape'>;

function corrupt(label: string, reason: string): QuantCacheError {
  return new QuantCacheError(
    'corrupt_file',
    `${label} is not a valid safetensors file: ${reason}. Copy or download it again.`,
  );
}

/** The length of the JSON header from a file's first bytes, checked against the file's size. */
export function headerLength(start: Uint8Array, fileSize: number, label: string): number {
  const opening = new TextDecoder().decode(start.subarray(0, prefixSize));
  if (opening === 'version ') {
    const todo = 'Run `git lfs pull` in its folder, or download it again.';
    throw new QuantCacheError('corrupt_file', `${label} is a Git LFS pointer, not the weights themselves. ${todo}`);
  }
  if (fileSize < prefixSize) throw corrupt(label, `it has ${fileSize} bytes, and the shortest possible has 10`);
  const length = Number(new DataView(start.buffer, start.byteOffset, prefixSize).getBigUint64(0, true));
  if (length > headerLimit) {
    throw corrupt(label, `its header claims ${length} bytes, and at most ${headerLimit} are allowed`);
  }
  if (prefixSize + length > fileSize) {
    throw corrupt(label, `its header needs ${prefixSize + length} bytes, but the file has ${fileSize} (truncated)`);
  }
  return length;
}

/** Parses and checks the JSON header of a file of `fileSize` bytes. */
export function parseHeader(json: Uint8Array, fileSize: number, label: string): Header {
  const dataStart = prefixSize + json.length;
  const tensors: TensorEntry[] = [];
  let metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(parseObject(json, label))) {
    if (name === '__metadata__') metadata = parseMetadata(value, label);
    else tensors.push(parseEntry(name, value, dataStart, label));
  }
  tensors.sort((a, b) => a.offset - b.offset || a.length - b.length);
  checkCoverage(tensors, dataStart, fileSize, label);
  return { tensors: new Map(tensors.map((tensor) => [tensor.name, tensor])), metadata, dataStart };
}

// Not by `files/json.ts`: this runs in browsers, too, and the text itself is looked at for names that are there twice.
function parseObject(json: Uint8Array, label: string): Record<string, unknown> {
  let text: string;
  let value: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(json); // a mark stays, and is not JSON
    value = JSON.parse(text);
  } catch (error) {
    throw new QuantCacheError(
      'corrupt_file',
      `${label} is not a valid safetensors file: its header is not JSON. Copy or download it again.`,
      { cause: error },
    );
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw corrupt(label, 'its header is JSON, but not an object');
  }
  const twice = duplicateName(text);
  if (twice !== undefined) throw corrupt(label, `its header has the name ${JSON.stringify(twice)} twice`);
  return value as Record<string, unknown>;
}

function parseMetadata(value: unknown, label: string): Record<string, string> {
  if (value === null) return {}; // as the reference implementation writes and reads none
  const valid = typeof value === 'object' && value && Object.values(value).every((text) => typeof text === 'string');
  if (!valid) throw corrupt(label, 'its __metadata__ is not a map of strings');
  return value as Record<string, string>;
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** A field of a header in words; there may be none. */
const given = (field: string, value: unknown): string =>
  value === undefined ? `no ${field}` : `${field} ${JSON.stringify(value)}`;

function parseEntry(name: string, value: unknown, dataStart: number, label: string): TensorEntry {
  const { dtype, shape, data_offsets: offsets } = (value ?? {}) as Record<string, unknown>;
  if (!isDtype(dtype)) {
    const allowed = Object.keys(elementSize).join(', ');
    const message = `Tensor "${name}" of ${label} has ${given('type', dtype)}; supported are ${allowed}. Use a checkpoint in one of those.`;
    throw new QuantCacheError('unsupported_format', message);
  }
  if (!Array.isArray(shape) || !shape.every(isSize)) {
    throw corrupt(label, `tensor "${name}" has ${given('shape', shape)}, not a list of sizes`);
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isSize) || offsets[1]! < offsets[0]!) {
    throw corrupt(label, `tensor "${name}" has ${given('data_offsets', offsets)}, not [begin, end]`);
  }
  const [begin, end] = offsets as [number, number];
  const needed = elementCount(shape) * elementSize[dtype];
  if (end - begin !== needed) {
    const detail = `${dtype} [${shape.join(', ')}] needs ${needed} bytes, but ${end - begin} are given`;
    throw corrupt(label, `tensor "${name}": ${detail}`);
  }
  return { name, dtype, shape, offset: dataStart + begin, length: end - begin };
}

/** Sorted tensors must tile the data exactly. */
function checkCoverage(tensors: TensorEntry[], dataStart: number, fileSize: number, label: string): void {
  let end = dataStart;
  let previous = 'the header';
  for (const { name, offset, length } of tensors) {
    if (offset < end) throw corrupt(label, `tensor "${name}" overlaps "${previous}"`);
    if (offset > end)
      throw corrupt(label, `${offset - end} bytes between "${previous}" and "${name}" belong to nothing`);
    end = offset + length;
    previous = name;
  }
  if (end > fileSize) {
    throw corrupt(label, `its tensors need ${end} bytes, but the file has ${fileSize}: ${end - fileSize} are missing`);
  }
  if (end < fileSize) throw corrupt(label, `${fileSize - end} bytes after the last tensor belong to nothing`);
}

/** Places tensors in a new file: the bytes before the data, and the tensors in the order in which their data follows. */
export function layout(
  tensors: Iterable<TensorShape>,
  metadata: Record<string, string> = {},
): { head: Uint8Array; entries: TensorEntry[] } {
  const sorted = [...tensors].sort(
    (a, b) => elementSize[b.dtype] - elementSize[a.dtype] || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0),
  );
  const json: Record<string, unknown> = Object.create(null);
  const keys = Object.keys(metadata).sort();
  if (keys.length) json.__metadata__ = Object.fromEntries(keys.map((key) => [key, metadata[key]]));
  let end = 0;
  const entries: TensorEntry[] = [];
  for (const { name, dtype, shape } of sorted) {
    if (name === '__metadata__' || name in json) {
      throw new QuantCacheError(
        'invalid_option',
        `Two tensors are named "${name}"; names in a safetensors file differ.`,
      );
    }
    const length = elementCount(shape) * elementSize[dtype];
    json[name] = { dtype, shape, data_offsets: [end, end + length] };
    entries.push({ name, dtype, shape: [...shape], offset: end, length });
    end += length;
  }
  const text = new TextEncoder().encode(JSON.stringify(json));
  const dataStart = Math.ceil((prefixSize + text.length) / dataAlignment) * dataAlignment;
  const head = new Uint8Array(dataStart).fill(0x20); // spaces, as the format asks for
  new DataView(head.buffer).setBigUint64(0, BigInt(dataStart - prefixSize), true);
  head.set(text, prefixSize);
  for (const entry of entries) entry.offset += dataStart;
  return { head, entries };
}

/** A safetensors file in memory. */
export function encode(
  tensors: Iterable<TensorShape & { data: ArrayBufferView }>,
  metadata?: Record<string, string>,
): Uint8Array {
  const list = [...tensors];
  const { head, entries } = layout(list, metadata);
  const last = entries.at(-1);
  const bytes = new Uint8Array(last ? last.offset + last.length : head.length);
  bytes.set(head);
  const data = new Map(list.map((tensor) => [tensor.name, bytesOf(tensor.data)]));
  for (const entry of entries) {
    const source = data.get(entry.name)!;
    checkLength(entry, source.length);
    bytes.set(source, entry.offset);
  }
  return bytes;
}

/** Reads a safetensors file from memory: its header, and any tensor as float32. */
export function decode(bytes: Uint8Array, label = 'The data'): Header & { float32(name: string): Float32Array } {
  const length = headerLength(bytes, bytes.length, label);
  const header = parseHeader(bytes.subarray(prefixSize, prefixSize + length), bytes.length, label);
  const float32 = (name: string): Float32Array => {
    const entry = header.tensors.get(name);
    if (!entry) throw new QuantCacheError('weights_mismatch', `${label} has no tensor "${name}".`);
    return toFloat32(bytes.subarray(entry.offset, entry.offset + entry.length), entry.dtype);
  };
  return { ...header, float32 };
}

/** Throws when the bytes given for a tensor are not as many as its shape needs. */
export function checkLength({ name, dtype, shape, length }: TensorEntry, given: number): void {
  if (given === length) return;
  const message = `Tensor "${name}": ${dtype} [${shape.join(', ')}] needs ${length} bytes, but ${given} were given.`;
  throw new QuantCacheError('weights_mismatch', message);
}
