import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { frameAt, framesFromDecoded, framesToTensor, makeFrames } from './frames.ts';

/** What torch gives for `x.clamp(-1, 1).add(1).div(2).mul(255).add(0.5).clamp(0, 255).to(uint8)` in float32. */
const byTorch: readonly [number, number][] = [
  [-1, 0],
  [-7, 0],
  [Number.NEGATIVE_INFINITY, 0],
  [1, 255],
  [Number.POSITIVE_INFINITY, 255],
  [0, 128],
  [-0.9961, 0],
  [-0.996, 1],
  [0.996, 254],
  [0.9961, 255],
  [0.5, 191],
  [-0.0039215688, 127],
];

describe('framesFromDecoded', () => {
  it('rounds as the original', () => {
    const shape = { count: byTorch.length, height: 1, width: 1, fps: 24 };
    const one = byTorch.map(([x]) => x);
    const frames = framesFromDecoded(Float32Array.from([...one, ...one, ...one]), shape);
    expect(byTorch.map((_, i) => [...frameAt(frames, i)])).toEqual(byTorch.map(([, byte]) => [byte, byte, byte]));
  });

  it('agrees with numpy on 300,000 values', () => {
    const decoded = Float32Array.from(
      { length: 300_000 },
      (_, i) => (Math.imul(i + 1, 2654435761) >>> 0) / 2 ** 31 - 1,
    );
    const frames = framesFromDecoded(decoded, { count: 10, height: 100, width: 100, fps: 24 });
    expect(crc32(frames.data)).toBe(1622147616);
  });

  it('turns [3, count, height, width] into [count, height, width, 3]', () => {
    const shape = { count: 2, height: 3, width: 4, fps: 8 };
    const decoded = Float32Array.from({ length: 72 }, (_, i) => (i / 255) * 2 - 1);
    const { data } = framesFromDecoded(decoded, shape);
    const at = (channel: number, t: number, y: number, x: number) => data[((t * 3 + y) * 4 + x) * 3 + channel];
    expect(at(0, 0, 0, 0)).toBe(0);
    expect(at(1, 0, 0, 0)).toBe(24);
    expect(at(2, 1, 2, 3)).toBe(71);
    expect(at(0, 1, 0, 2)).toBe(14);
  });

  it('comes back through framesToTensor', () => {
    const shape = { count: 1, height: 16, width: 16, fps: 24 };
    const data = Uint8Array.from({ length: 768 }, (_, i) => i);
    const tensor = framesToTensor(makeFrames(data, shape));
    expect(tensor[0]).toBe(-1);
    expect(tensor[85]).toBe(1);
    expect(framesFromDecoded(tensor, shape).data).toEqual(data);
  });

  it('refuses NaN and wrong sizes', () => {
    const shape = { count: 1, height: 1, width: 1, fps: 24 };
    expect(() => framesFromDecoded(Float32Array.of(0, Number.NaN, 0), shape)).toThrow(/1 of 3 decoded values are NaN/);
    expect(() => framesFromDecoded(new Float32Array(4), shape)).toThrow(/has 3 values, but 4 were given/);
    expect(() => makeFrames(new Uint8Array(3), { ...shape, fps: 0 })).toThrow(/positive fps/);
    expect(() => makeFrames(new Uint8Array(3), { ...shape, width: 1.5 })).toThrow(/whole width/);
  });
});
