/**
 * The element types of safetensors: their names, sizes, and their values as float32.
 *
 * Invariant: every type listed has a whole number of bytes; the sub-byte types (F4, F6_*) are not supported.
 * Reference: https://github.com/huggingface/safetensors (`Dtype`).
 */
import { QuantCacheError } from '../errors.ts';
import { bfloat16ToFloat32, float16ToFloat32 } from './half.ts';

/** Bytes per element of each supported type. */
export const elementSize = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
  F8_E8M0: 1,
  U16: 2,
  I16: 2,
  F16: 2,
  BF16: 2,
  U32: 4,
  I32: 4,
  F32: 4,
  U64: 8,
  I64: 8,
  F64: 8,
  C64: 8,
} as const;

/** The name of an element type as safetensors spells it. */
export type Dtype = keyof typeof elementSize;

/** Whether a name is an element type that we know. */
export function isDtype(name: unknown): name is Dtype {
  return typeof name === 'string' && Object.hasOwn(elementSize, name);
}

/** How many elements a shape holds; 1 for a scalar's empty shape. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((count, size) => count * size, 1);
}

/** The bytes behind any typed array, without a copy. */
export function bytesOf(data: ArrayBufferView): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** Little-endian bytes of a tensor as float32. 64-bit types are rounded; the 8-bit floats and complex are refused. */
export function toFloat32(bytes: Uint8Array, dtype: Dtype): Float32Array {
  const size = elementSize[dtype];
  const aligned = bytes.byteOffset % size === 0 ? bytes : bytes.slice();
  const at = [aligned.buffer as ArrayBuffer, aligned.byteOffset, aligned.byteLength / size] as const;
  switch (dtype) {
    case 'F32':
      return new Float32Array(...at);
    case 'F16':
      return float16ToFloat32(new Uint16Array(...at));
    case 'BF16':
      return bfloat16ToFloat32(new Uint16Array(...at));
    case 'F64':
      return Float32Array.from(new Float64Array(...at));
    case 'BOOL':
    case 'U8':
      return Float32Array.from(new Uint8Array(...at));
    case 'I8':
      return Float32Array.from(new Int8Array(...at));
    case 'U16':
      return Float32Array.from(new Uint16Array(...at));
    case 'I16':
      return Float32Array.from(new Int16Array(...at));
    case 'U32':
      return Float32Array.from(new Uint32Array(...at));
    case 'I32':
      return Float32Array.from(new Int32Array(...at));
    case 'U64':
      return Float32Array.from(new BigUint64Array(...at), Number);
    case 'I64':
      return Float32Array.from(new BigInt64Array(...at), Number);
    case 'F8_E4M3':
    case 'F8_E5M2':
    case 'F8_E8M0':
    case 'C64':
      throw new QuantCacheError(
        'unsupported_format',
        `Tensors of type ${dtype} cannot be read as numbers here; F64, F32, F16, BF16, BOOL and integers can. Use a checkpoint in one of those.`,
      );
    default:
      return dtype satisfies never;
  }
}
