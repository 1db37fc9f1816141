/**
 * The state of a run as a text and some arrays of numbers, which a safetensors file holds.
 *
 * Invariant: what is read is what was written, to the last bit: numbers that JSON does not know, maps, sets and typed arrays
 * are written as objects with the key `$`.
 */
import * as z from 'zod';
import { QuantCacheError } from '../errors.ts';
import { parseJson } from '../files/json.ts';
import type { FilePurpose } from '../files/read.ts';
import type { SavedState, SavedTensor } from '../state.ts';
import type { Dtype } from '../weights/dtypes.ts';
import type { TensorSource } from '../weights/safetensors.ts';

/** The typed arrays that a state may hold, by the name that safetensors has for their elements. */
const arrayTypes = { F32: Float32Array, F64: Float64Array, I32: Int32Array, U32: Uint32Array, U8: Uint8Array } as const;
type ArrayType = keyof typeof arrayTypes;

/** What a state is written as: a text, and the arrays that it counts from 0 on. */
export interface EncodedState {
  readonly text: string;
  readonly tensors: readonly ArraySource[];
}

/** A tensor to write whose numbers are there. */
type ArraySource = TensorSource & { readonly data: ArrayBufferView };

const documentSchema = z.strictObject({
  data: z.array(z.tuple([z.string(), z.unknown()])),
  tensors: z.array(z.tuple([z.string(), z.array(z.tuple([z.string(), z.int().nonnegative()]))])),
  dims: z.array(z.array(z.int().nonnegative())),
});

/** Writes a state; numbers are not copied. Throws `invalid_option` for what no state may hold, such as functions. */
export function encodeState({ data, tensors }: SavedState): EncodedState {
  const arrays: ArraySource[] = [];
  const add = (dtype: Dtype, shape: readonly number[], values: ArrayBufferView): number => {
    arrays.push({ name: String(arrays.length), dtype, shape: [...shape], data: values });
    return arrays.length - 1;
  };
  const numbers = new Map<SavedTensor, number>();
  const numberOf = (tensor: SavedTensor): number => {
    const number = numbers.get(tensor) ?? add('F32', tensor.dims, tensor.values);
    numbers.set(tensor, number);
    return number;
  };
  const document = {
    data: [...data].map(([name, value]) => [name, plainOf(value, add)]),
    tensors: [...tensors].map(([name, kept]) => [name, [...kept].map(([key, tensor]) => [key, numberOf(tensor)])]),
    dims: arrays.map(({ shape }) => shape),
  };
  return { text: JSON.stringify(document), tensors: arrays };
}

/** Reads a state from its text and the bytes of its arrays. `path` is what messages call it. Throws `corrupt_file`. */
export function decodeState(
  text: string,
  arrays: readonly Uint8Array[],
  path: string,
  purpose: FilePurpose,
): SavedState {
  const { data, tensors, dims } = parseJson(text, path, documentSchema, purpose);
  const bytesOf = (index: number): Uint8Array => {
    const bytes = arrays[index];
    if (bytes) return bytes.byteOffset % 8 === 0 ? bytes : bytes.slice();
    throw new QuantCacheError(
      'corrupt_file',
      `${path} is not ${purpose.what}: it lacks array ${index}. ${purpose.todo}`,
    );
  };
  const array = (type: ArrayType, index: number): ArrayBufferView => {
    const { buffer, byteOffset, byteLength } = bytesOf(index);
    const Type = arrayTypes[type];
    return new Type(buffer as ArrayBuffer, byteOffset, byteLength / Type.BYTES_PER_ELEMENT);
  };
  const read = new Map<number, SavedTensor>();
  const tensorOf = (index: number): SavedTensor => {
    const tensor = read.get(index) ?? { dims: dims[index] ?? [], values: array('F32', index) as Float32Array };
    read.set(index, tensor);
    return tensor;
  };
  return {
    data: new Map(data.map(([name, value]) => [name, readPlain(value, array) as object])),
    tensors: new Map(
      tensors.map(([name, kept]) => [name, new Map(kept.map(([key, index]) => [key, tensorOf(index)] as const))]),
    ),
  };
}

type AddArray = (dtype: Dtype, shape: readonly number[], values: ArrayBufferView) => number;

/** A value as JSON has it. */
function plainOf(value: unknown, add: AddArray): unknown {
  const plain = (inner: unknown) => plainOf(inner, add);
  if (value === undefined) return { $: 'undefined' };
  if (typeof value === 'number')
    return Number.isFinite(value) && !Object.is(value, -0) ? value : { $: 'number', is: numberName(value) };
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Map) return { $: 'map', entries: [...value].map(([key, inner]) => [plain(key), plain(inner)]) };
  if (value instanceof Set) return { $: 'set', values: [...value].map(plain) };
  for (const [type, Type] of Object.entries(arrayTypes))
    if (value instanceof Type) return { $: 'array', type, index: add(type as ArrayType, [value.length], value) };
  if (typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype && !('$' in value))
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
  throw new QuantCacheError('invalid_option', `The state of a run holds what cannot be saved: ${String(value)}.`);
}

const numberName = (value: number): string => (Object.is(value, -0) ? '-0' : String(value));

/** The value that was written. What is strange is given as it is: the text is known to be what was written. */
function readPlain(plain: unknown, array: (type: ArrayType, index: number) => ArrayBufferView): unknown {
  const value = (inner: unknown) => readPlain(inner, array);
  if (Array.isArray(plain)) return plain.map(value);
  if (typeof plain !== 'object' || plain === null) return plain;
  const tagged = plain as { $?: string; is: string; entries: [unknown, unknown][]; values: unknown[] };
  switch (tagged.$) {
    case 'undefined':
      return undefined;
    case 'number':
      return Number(tagged.is);
    case 'map':
      return new Map(tagged.entries.map(([key, inner]) => [value(key), value(inner)]));
    case 'set':
      return new Set(tagged.values.map(value));
    case 'array': {
      const { type, index } = plain as { type: ArrayType; index: number };
      return array(type, index);
    }
    default:
      return Object.fromEntries(Object.entries(plain).map(([key, inner]) => [key, value(inner)]));
  }
}
