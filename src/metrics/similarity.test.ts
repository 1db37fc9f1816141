/** psnr, ssim and relativeL2 against scikit-image 0.26.0 and numpy on clips that Python makes in the same way. */
import { describe, expect, it } from 'vitest';
import { type Frames, makeFrames } from '../video/frames.ts';
import { psnr } from './psnr.ts';
import { relativeL2 } from './relativel2.ts';
import { ssim } from './ssim.ts';

function clip(
  shape: [count: number, height: number, width: number],
  noise: { seed: number; amplitude: number },
): Frames {
  const [count, height, width] = shape;
  const data = Uint8ClampedArray.from({ length: count * height * width * 3 }, (_, i) => {
    const channel = i % 3;
    const x = Math.floor(i / 3) % width;
    const y = Math.floor(i / 3 / width) % height;
    const t = Math.floor(i / 3 / width / height);
    const random = Math.imul(i + noise.seed + 1, 2654435761) >>> 24;
    return ((x * 6 + y * 4 + channel * 30 + t * 9) % 256) + Math.floor(((random - 128) * noise.amplitude) / 128);
  });
  return makeFrames(new Uint8Array(data.buffer), { count, height, width, fps: 24 });
}

describe('against scikit-image', () => {
  it.each([
    [[3, 24, 32], 8, 0.9436397824457586, 34.87368525575532, 0.028976986963727667],
    [[2, 24, 32], 60, 0.2921499881231743, 17.809205798611224, 0.20740494352545608],
    [[1, 11, 11], 20, 0.689444448361748, 26.903275617245875, 0.1328212243546183],
    [[2, 40, 17], 200, 0.051505491365960165, 8.867008493488838, 0.5813294560804184],
  ] as const)('%j with noise %d', (shape, amplitude, expectedSsim, expectedPsnr, expectedL2) => {
    const reference = clip([...shape], { seed: 0, amplitude: 0 });
    const test = clip([...shape], { seed: 7, amplitude });
    expect(ssim(reference, test)).toBeCloseTo(expectedSsim, 9);
    expect(psnr(reference.data, test.data)).toBeCloseTo(expectedPsnr, 9);
    expect(relativeL2(reference.data, test.data)).toBeCloseTo(expectedL2, 12);
  });
});

describe('at the ends of the scale', () => {
  const frames = clip([2, 16, 16], { seed: 0, amplitude: 30 });

  it('equal clips are perfect', () => {
    expect(psnr(frames.data, frames.data)).toBe(Number.POSITIVE_INFINITY);
    expect(ssim(frames, frames)).toBeCloseTo(1, 12);
    expect(relativeL2(frames.data, frames.data)).toBe(0);
  });

  it('a zero reference has no relative error', () => {
    expect(relativeL2(Float32Array.of(0, 0), Float32Array.of(0, 0))).toBe(0);
    expect(relativeL2(Float32Array.of(0, 0), Float32Array.of(0, 1))).toBe(Number.POSITIVE_INFINITY);
  });

  it('floats have their own peak', () => {
    expect(psnr(Float32Array.of(0, 1), Float32Array.of(0.5, 0.5), 1)).toBeCloseTo(6.0206, 4);
    expect(psnr(Float32Array.of(-1, 1), Float32Array.of(0, 0), 2)).toBeCloseTo(6.0206, 4);
  });

  it('different shapes and frames below the window are refused', () => {
    expect(() => psnr(new Uint8Array(3), new Uint8Array(6))).toThrow(/3 values with 6/);
    expect(() => relativeL2(new Uint8Array(0), new Uint8Array(0))).toThrow(/non-empty/);
    const other = clip([1, 16, 32], { seed: 0, amplitude: 0 });
    expect(() => ssim(frames, other)).toThrow(/2 frames of 16x16 with 1 frames of 32x16/);
    const small = clip([1, 10, 32], { seed: 0, amplitude: 0 });
    expect(() => ssim(small, small)).toThrow(/at least 11x11/);
  });
});
