import { crc32 } from 'node:zlib';
import { expect, it } from 'vitest';
import { type Picture, resizeBicubic, resizeToFill } from './resample.ts';

/** Pseudo-random bytes that Python makes in the same way: the hardest case for rounding and clipping. */
function noise(width: number, height: number): Picture {
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => Math.imul(i + 1, 2654435761) >>> 24);
  return { width, height, data };
}

/** CRC-32 of what Open-Sora's resize_crop_to_fill gives with Pillow 13.0.0. */
it.each([
  [7, 5, 4, 3, 100385821],
  [40, 30, 64, 64, 1313456351],
  [100, 61, 33, 17, 3936030977],
  [31, 97, 144, 144, 2980983534],
  [500, 333, 256, 144, 818373206],
  [64, 64, 64, 64, 3639976373],
  [13, 200, 13, 77, 2935929164],
  [45, 30, 20, 20, 1200616436],
])(
  'a %dx%d picture filled into %dx%d is what Pillow makes, bit for bit',
  (width, height, toWidth, toHeight, expected) => {
    const filled = resizeToFill(noise(width, height), toWidth, toHeight);
    expect([filled.width, filled.height, filled.data.length]).toEqual([toWidth, toHeight, toWidth * toHeight * 3]);
    expect(crc32(filled.data)).toBe(expected);
  },
);

it('shows the values of the smallest case, to debug with', () => {
  // biome-ignore format: one picture row per line
  expect([...resizeToFill(noise(7, 5), 4, 3).data]).toEqual([
    141, 41, 201, 72, 193, 138, 48, 174, 60, 205, 105, 148,
    132, 32, 192, 60, 184, 130, 156, 165, 51, 202, 96, 139,
    123, 23, 183, 50, 175, 121, 181, 156, 42, 195, 87, 130,
  ]);
});

it.each([
  [1, 5000],
  [30_000, 1],
  [2, 100_000],
])('fills from a sliver of %dx%d without making its other side', (width, height) => {
  const filled = resizeToFill(noise(width, height), 64, 64);
  expect([filled.width, filled.height, filled.data.length]).toEqual([64, 64, 64 * 64 * 3]);
});

it('computes of a sliver what a whole resize and a crop give', () => {
  const whole = resizeBicubic(noise(3, 90), 16, 480);
  const start = (480 - 16) / 2;
  const expected = whole.data.subarray(start * 16 * 3, (start + 16) * 16 * 3);
  expect(resizeToFill(noise(3, 90), 16, 16).data).toEqual(expected);
});

it('keeps a picture of the right size as it is', () => {
  const picture = noise(9, 4);
  expect(resizeBicubic(picture, 9, 4).data).toEqual(picture.data);
});
