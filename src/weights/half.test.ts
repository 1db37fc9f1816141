import { describe, expect, it } from 'vitest';
import {
  bfloat16ToFloat32,
  float16ToFloat32,
  float16ToNumber,
  float32ToBfloat16,
  float32ToFloat16,
  numberToBfloat16,
  numberToFloat16,
} from './half.ts';

const allPatterns = Uint16Array.from({ length: 65536 }, (_, pattern) => pattern);

describe('float16', () => {
  // Values from torch.tensor(x).to(torch.float16).view(torch.uint16) (PyTorch 2.13).
  const known: [number, number][] = [
    [0, 0x0000],
    [-0, 0x8000],
    [1, 0x3c00],
    [-2, 0xc000],
    [0.1, 0x2e66],
    [65504, 0x7bff],
    [65519, 0x7bff],
    [65520, 0x7c00],
    [1e9, 0x7c00],
    [Number.NEGATIVE_INFINITY, 0xfc00],
    [2 ** -14, 0x0400],
    [2 ** -24, 0x0001],
    [2 ** -25, 0x0000], // a tie, to even
    [2 ** -25 * 1.0001, 0x0001],
    [3 * 2 ** -25, 0x0002], // a tie, to even
    [1 + 2 ** -11, 0x3c00], // a tie, to even
    [1 + 3 * 2 ** -11, 0x3c02], // a tie, to even
  ];

  it.each(known)('narrows %d', (value, pattern) => {
    expect(numberToFloat16(value)).toBe(pattern);
  });

  it('widens every pattern and narrows it back unchanged, NaN aside', () => {
    const wide = float16ToFloat32(allPatterns);
    const back = float32ToFloat16(wide);
    const changed = allPatterns.filter((pattern) => !Number.isNaN(wide[pattern]!) && back[pattern] !== pattern);
    expect([...changed]).toEqual([]);
    expect(wide.filter(Number.isNaN).length).toBe(2 * 1023);
    expect(Number.isNaN(float16ToNumber(numberToFloat16(Number.NaN)))).toBe(true);
  });

  it('takes the nearer of two neighbours everywhere', () => {
    for (let pattern = 0; pattern < 0x7bff; pattern += 7) {
      const [low, high] = [float16ToNumber(pattern), float16ToNumber(pattern + 1)];
      expect(numberToFloat16(low + (high - low) * 0.49)).toBe(pattern);
      expect(numberToFloat16(low + (high - low) * 0.51)).toBe(pattern + 1);
    }
  });
});

describe('bfloat16', () => {
  it.each([
    [1, 0x3f80],
    [-1.5, 0xbfc0],
    [0.1, 0x3dcd],
    [1 + 2 ** -8, 0x3f80], // a tie, to even
    [1 + 3 * 2 ** -8, 0x3f82], // a tie, to even
    [3.4e38, 0x7f80], // rounds to infinity
  ])('narrows %d', (value, pattern) => {
    expect(numberToBfloat16(value)).toBe(pattern);
  });

  it('widens every pattern and narrows it back unchanged, NaN aside', () => {
    const wide = bfloat16ToFloat32(allPatterns);
    const back = float32ToBfloat16(wide);
    const changed = allPatterns.filter((pattern) => !Number.isNaN(wide[pattern]!) && back[pattern] !== pattern);
    expect([...changed]).toEqual([]);
    expect(Number.isNaN(bfloat16ToFloat32(Uint16Array.of(numberToBfloat16(Number.NaN)))[0])).toBe(true);
  });
});
