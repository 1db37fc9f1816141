/**
 * Quantizing one matrix: symmetric integers per output channel, or per group of input channels of one.
 *
 * Invariants: value = integer * scale; integers lie in [-127, 127] or [-7, 7], so that negation is exact; a row of zeros has
 * scale 1; rounding is to nearest, half away from minus infinity as `Math.round`.
 */

/** A weight matrix as PyTorch keeps it, `[outputs, inputs]` row by row. */
export interface Matrix {
  readonly data: Float32Array;
  readonly outputs: number;
  readonly inputs: number;
}

export interface WeightScheme {
  readonly bits: 8 | 4;
  /** Input channels per scale; must divide the inputs. */
  readonly group: number;
  readonly clipping?: 'none' | 'search';
}

/** The largest integer of a number of bits. */
export const largestInteger = (bits: 8 | 4): number => 2 ** (bits - 1) - 1;

/** The byte that means zero in unsigned weights. */
export const unsignedZero = 128;

/** Fractions of the full range that a clipping search tries. */
const ranges = Array.from({ length: 12 }, (_, i) => 1 - i * 0.04);

/** One scale per output and group, `[outputs, inputs / group]`. */
export function scalesOf({ data, outputs, inputs }: Matrix, scheme: WeightScheme): Float32Array {
  const groups = inputs / scheme.group;
  const limit = largestInteger(scheme.bits);
  const scales = new Float32Array(outputs * groups);
  for (let i = 0; i < scales.length; i++) {
    const part = data.subarray(i * scheme.group, (i + 1) * scheme.group);
    const full = largestMagnitude(part) / limit;
    scales[i] = full === 0 ? 1 : scheme.clipping === 'search' ? bestScale(part, full, limit) : full;
  }
  return scales;
}

/** The integers of a matrix under given scales, in its own order. */
export function integersOf({ data }: Matrix, scales: Float32Array, { bits, group }: WeightScheme): Int8Array {
  const limit = largestInteger(bits);
  const integers = new Int8Array(data.length);
  for (let i = 0, start = 0; i < scales.length; i++, start += group) {
    const scale = scales[i]!;
    for (let k = start; k < start + group; k++) integers[k] = nearest(data[k]! / scale, limit);
  }
  return integers;
}

const nearest = (value: number, limit: number): number => Math.max(-limit, Math.min(limit, Math.round(value)));

/** The largest absolute value. */
export function largestMagnitude(values: Float32Array): number {
  let largest = 0;
  for (let i = 0; i < values.length; i++) {
    const magnitude = Math.abs(values[i]!);
    if (magnitude > largest) largest = magnitude;
  }
  return largest;
}

function bestScale(values: Float32Array, full: number, limit: number): number {
  let best = full;
  let least = Number.POSITIVE_INFINITY;
  for (const range of ranges) {
    const scale = Math.fround(full * range);
    let error = 0;
    for (let i = 0; i < values.length; i++) {
      const difference = values[i]! - nearest(values[i]! / scale, limit) * scale;
      error += difference * difference;
    }
    if (error < least) [best, least] = [scale, error];
  }
  return best;
}

/** `[rows, columns]` to `[columns, rows]`, in tiles that stay in the processor's cache. */
export function transpose<T extends Int8Array | Float32Array>(source: T, rows: number, columns: number): T {
  const result = source.slice() as T;
  const tile = 64;
  for (let top = 0; top < rows; top += tile) {
    for (let left = 0; left < columns; left += tile) {
      const bottom = Math.min(top + tile, rows);
      const right = Math.min(left + tile, columns);
      for (let row = top; row < bottom; row++)
        for (let column = left; column < right; column++) result[column * rows + row] = source[row * columns + column]!;
    }
  }
  return result;
}

/** Integers from -8 to 7, two in a byte, the first in the low half: 4 bits each. `offset` makes them unsigned. */
export function packNibbles(integers: Int8Array, offset = 0): Uint8Array {
  const bytes = new Uint8Array(integers.length / 2);
  for (let i = 0; i < bytes.length; i++)
    bytes[i] = ((integers[2 * i]! + offset) & 15) | (((integers[2 * i + 1]! + offset) & 15) << 4);
  return bytes;
}

/** The inverse of `packNibbles` without an offset. */
export function unpackNibbles(bytes: Uint8Array): Int8Array {
  const integers = new Int8Array(bytes.length * 2);
  for (let i = 0; i < bytes.length; i++) {
    integers[2 * i] = (bytes[i]! << 28) >> 28;
    integers[2 * i + 1] = (bytes[i]! << 24) >> 28;
  }
  return integers;
}
