/**
 * Half-precision numbers as bit patterns: IEEE float16 and bfloat16, to and from float32.
 *
 * Invariants: widening is exact; narrowing rounds to nearest, ties to even, as PyTorch does; NaN stays NaN.
 * Node 20 has no Float16Array, hence these. Reference: IEEE 754-2019, and bfloat16 = the upper half of a float32.
 */

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** The float32 value of one float16 bit pattern. */
export function float16ToNumber(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24; // zero and subnormals
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The float16 bit pattern nearest to a number. */
export function numberToFloat16(value: number): number {
  float[0] = value;
  const pattern = bits[0]!;
  const sign = (pattern >>> 16) & 0x8000;
  const magnitude = pattern & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00; // NaN
  if (magnitude >= 0x477ff000) return sign | 0x7c00; // 65520 and above round to infinity
  if (magnitude < 0x38800000) {
    // Below 2^-14 the result is subnormal: a multiple of 2^-24. Adding 0.5 makes float32 itself round to that grid.
    float[0] = Math.abs(float[0]!) + 0.5;
    return sign | (bits[0]! - 0x3f000000);
  }
  const odd = (magnitude >>> 13) & 1;
  return sign | ((magnitude - 0x38000000 + 0xfff + odd) >>> 13);
}

/** The bfloat16 bit pattern nearest to a number. */
export function numberToBfloat16(value: number): number {
  float[0] = value;
  const pattern = bits[0]!;
  if ((pattern & 0x7fffffff) > 0x7f800000) return (pattern >>> 16) | 0x40; // NaN, kept quiet
  const odd = (pattern >>> 16) & 1;
  return ((pattern + 0x7fff + odd) >>> 16) & 0xffff;
}

let float16Table: Float32Array | undefined;

/** Widens float16 bit patterns to float32; exact. */
export function float16ToFloat32(halves: Uint16Array): Float32Array {
  float16Table ??= Float32Array.from({ length: 65536 }, (_, half) => float16ToNumber(half));
  const result = new Float32Array(halves.length);
  for (let i = 0; i < halves.length; i++) result[i] = float16Table[halves[i]!]!;
  return result;
}

/** Narrows float32 to float16 bit patterns, to nearest even. */
export const float32ToFloat16 = (values: Float32Array): Uint16Array => narrowed(values, numberToFloat16);

/** Widens bfloat16 bit patterns to float32; exact. */
export function bfloat16ToFloat32(halves: Uint16Array): Float32Array {
  const result = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) result[i] = halves[i]! << 16;
  return new Float32Array(result.buffer);
}

/** Narrows float32 to bfloat16 bit patterns, to nearest even. */
export const float32ToBfloat16 = (values: Float32Array): Uint16Array => narrowed(values, numberToBfloat16);

/** A loop, because `Uint16Array.from` takes thirty times as long. */
function narrowed(values: Float32Array, narrow: (value: number) => number): Uint16Array {
  const result = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) result[i] = narrow(values[i]!);
  return result;
}
