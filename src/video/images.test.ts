/** gif, webp and png: encoded, then decoded by sharp and compared with what went in. */
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { contactSheet } from './contactsheet.ts';
import { frameAt, makeFrames } from './frames.ts';
import { encodeWithGifenc, encodeWithSharp, gif, gifDelays, readGifComment } from './gif.ts';
import { png, readPngComment } from './png.ts';
import { meanDifference, movingBall } from './testing.ts';
import { readWebpComment, webp } from './webp.ts';

const frames = movingBall({ count: 9, height: 48, width: 64, fps: 24 });
const comment = JSON.stringify({ prompt: `a "cat" & <é 猫 ${'x'.repeat(600)}` });

async function decode(bytes: Uint8Array) {
  const image = sharp(bytes, { animated: true });
  const { pages, pageHeight, width, height, delay } = await image.metadata();
  const data = await image.removeAlpha().raw().toBuffer();
  return { count: pages ?? 1, width, height: pageHeight ?? height, delay, data };
}

describe('gif', () => {
  it.each([
    ['gifenc', () => encodeWithGifenc(frames)],
    ['sharp', () => encodeWithSharp(sharp, frames)],
    ['the default', () => gif.encode(frames, comment)],
  ])('written with %s comes back', async (_, encode) => {
    const file = await decode(await encode());
    expect([file.count, file.width, file.height]).toEqual([9, 64, 48]);
    expect(file.delay).toEqual([40, 40, 50, 40, 40, 40, 40, 40, 50]);
    expect(meanDifference(file.data, frames.data)).toBeLessThan(6);
  });

  it('carries the comment in ASCII', async () => {
    const bytes = await gif.encode(frames, comment);
    const text = readGifComment(bytes)!;
    expect(text).toMatch(/^[\x20-\x7e]+$/);
    expect(JSON.parse(text)).toEqual(JSON.parse(comment));
    expect(readGifComment(await encodeWithGifenc(frames))).toBeUndefined();
  });

  it('keeps the length up to 50 fps', () => {
    const sum = (fps: number) => gifDelays({ ...frames, count: 100, fps }).reduce((a, b) => a + b, 0);
    expect(sum(24)).toBe(4170);
    expect(sum(50)).toBe(2000);
    expect(sum(120)).toBe(2000); // players do not go faster than 50
  });
});

describe('webp', () => {
  it('comes back with its comment', async () => {
    const bytes = await webp.encode(frames, comment);
    const file = await decode(bytes);
    expect([file.count, file.width, file.height]).toEqual([9, 64, 48]);
    expect(file.delay).toEqual([42, 41, 42, 42, 41, 42, 42, 41, 42]);
    expect(meanDifference(file.data, frames.data)).toBeLessThan(3);
    expect(readWebpComment(bytes)).toBe(comment);
  });

  it('keeps its times up to the fastest that players show', async () => {
    const { most } = webp.limits.rates!;
    const { delay } = await decode(await webp.encode({ ...frames, fps: most }, comment));
    expect(delay).toEqual([11, 11, 11, 11, 12, 11, 11, 11, 11]);
  });

  it('of one frame comes back too', async () => {
    const bytes = await webp.encode(movingBall({ count: 1, height: 17, width: 33, fps: 24 }), comment);
    expect(await decode(bytes)).toMatchObject({ count: 1, width: 33, height: 17 });
    expect(readWebpComment(bytes)).toBe(comment);
  });
});

it.each([
  ['gif with gifenc', (still: typeof frames) => encodeWithGifenc(still)],
  ['gif with sharp', (still: typeof frames) => encodeWithSharp(sharp, still)],
  ['webp', (still: typeof frames) => webp.encode(still, comment)],
])('a clip that stands still keeps its frames and its length as %s', async (_, encode) => {
  const still = makeFrames(new Uint8Array(17 * 16 * 16 * 3).fill(90), { count: 17, height: 16, width: 16, fps: 8 });
  const file = await decode(await encode(still));
  expect(file.count).toBe(17);
  expect(file.delay!.reduce((sum, delay) => sum + delay, 0)).toBeCloseTo(17_000 / 8, -2);
});

describe('png', () => {
  it('of one frame is that frame, bit for bit', async () => {
    const one = movingBall({ count: 1, height: 33, width: 47, fps: 24 });
    const bytes = await png.encode(one, comment);
    const file = await decode(bytes);
    expect([file.count, file.width, file.height]).toEqual([1, 47, 33]);
    expect(Buffer.compare(file.data, one.data)).toBe(0);
    expect(readPngComment(bytes)).toBe(comment);
  });

  it('of noise is bit for bit too, whatever the row filters do', async () => {
    const noise = Uint8Array.from({ length: 40 * 30 * 3 }, (_, i) => (Math.imul(i + 1, 2654435761) >>> 24) & 255);
    const file = await decode(await png.encode(makeFrames(noise, { count: 1, height: 30, width: 40, fps: 1 }), ''));
    expect(Buffer.compare(file.data, noise)).toBe(0);
  });

  it('of several frames is a contact sheet', async () => {
    const file = await decode(await png.encode(frames, comment));
    const sheet = contactSheet(frames);
    expect([file.width, file.height]).toEqual([sheet.width, sheet.height]);
    expect(Buffer.compare(file.data, sheet.data)).toBe(0);
  });
});

describe('contactSheet', () => {
  it('lays frames out in reading order', () => {
    const sheet = contactSheet(frames, { columns: 4, gap: 1 });
    expect([sheet.count, sheet.width, sheet.height]).toEqual([1, 4 * 65 - 1, 3 * 49 - 1]);
    const pixel = (x: number, y: number) => [...sheet.data.subarray((y * sheet.width + x) * 3).subarray(0, 3)];
    const inFrame = (index: number, x: number, y: number) => [
      ...frameAt(frames, index)
        .subarray((y * 64 + x) * 3)
        .subarray(0, 3),
    ];
    expect(pixel(65 * 2 + 18, 49 + 24)).toEqual(inFrame(6, 18, 24));
    expect(pixel(64, 10)).toEqual([255, 255, 255]);
    expect(pixel(65 * 3 + 5, 2 * 49 + 5)).toEqual([255, 255, 255]); // no twelfth frame
  });

  it('takes evenly spaced frames, first and last included', () => {
    const grey = (count: number) =>
      makeFrames(
        Uint8Array.from({ length: count * 3 }, (_, i) => Math.floor(i / 3)),
        { count, height: 1, width: 1, fps: 1 },
      );
    const sheet = contactSheet(grey(101), { limit: 5, columns: 5, gap: 0 });
    expect([...sheet.data].filter((_, i) => i % 3 === 0)).toEqual([0, 25, 50, 75, 100]);
    expect(contactSheet(grey(1)).data).toEqual(grey(1).data);
  });
});
