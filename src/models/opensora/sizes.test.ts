/** Sizes: the table of Open-Sora 1.2, shape checks of all entries, and refusals. */

import { describe, expect, test } from 'vitest';
import { QuantCacheError } from '../../errors.ts';
import { aspects, latentFrameCount, resolutions, resolveSize, type SizeRequest, videoSize } from './sizes.ts';

describe('resolveSize', () => {
  test.each([
    ['144p', '2s', 144, 256, 51, 15, 18, 32],
    ['144p', '4s', 144, 256, 102, 30, 18, 32],
    ['240p', '2s', 240, 426, 51, 15, 30, 53],
    ['360p', '4s', 360, 640, 102, 30, 45, 80],
    ['480p', '2s', 480, 854, 51, 15, 60, 106],
    ['720p', '4x', 720, 1280, 204, 60, 90, 160],
    ['1080p', '17', 1080, 1920, 17, 5, 135, 240],
    ['4k', '1', 2160, 3840, 1, 1, 270, 480],
  ])('%s 16:9 %s', (resolution, duration, height, width, frames, latentFrames, latentHeight, latentWidth) => {
    const size = resolveSize({ resolution, aspect: '16:9', duration });
    expect(size).toMatchObject({ height, width, frames, latentFrames, latentHeight, latentWidth });
  });

  test.each([
    ['1:1', 192, 192],
    ['9:16', 256, 144],
    ['4:3', 166, 221],
    ['8:3', 117, 312],
    ['12:25', 277, 132],
  ])('144p %s means width:height', (aspect, height, width) => {
    expect(resolveSize({ resolution: '144p', aspect })).toMatchObject({ height, width });
  });

  test('every entry of the table has the shape of its name and about the pixels of its resolution', () => {
    for (const resolution of resolutions) {
      const square = resolveSize({ resolution, aspect: '1:1' });
      for (const aspect of aspects) {
        const { height, width } = resolveSize({ resolution, aspect });
        const [across, down] = aspect.split(':').map(Number) as [number, number];
        expect(Math.abs((width / height) * (down / across) - 1), `${resolution} ${aspect}`).toBeLessThan(0.02);
        expect(Math.abs((width * height) / square.height ** 2 - 1), `${resolution} ${aspect}`).toBeLessThan(0.02);
      }
    }
  });

  test('defaults are 240p, 16:9, 2s; the output keeps whole latents only', () => {
    expect(resolveSize({})).toEqual({
      height: 240,
      width: 426,
      frames: 51,
      latentHeight: 30,
      latentWidth: 53,
      latentFrames: 15,
      outputHeight: 240,
      outputWidth: 424,
    });
  });

  test('an explicit size and length are taken as given', () => {
    const size = resolveSize({ size: '100x77', frames: 40 });
    expect(size).toMatchObject({ height: 100, width: 77, latentHeight: 12, latentWidth: 9, latentFrames: 12 });
  });

  test.each<[SizeRequest, RegExp]>([
    [{ resolution: '256' }, /144p, 240p.*explicit size/],
    [{ resolution: 'toString' }, /Resolution "toString"/],
    [{ aspect: '16:10' }, /16:9.*explicit size/],
    [{ duration: '3s' }, /2s, 4s/],
    [{ duration: '-5' }, /Duration "-5"/],
    [{ size: '240' }, /240x426/],
    [{ size: '15x100' }, /at least 16/],
    [{ size: '0x0' }, /at least 16/],
    [{ size: '240x426', aspect: '16:9' }, /give one of them/],
    [{ frames: 51, duration: '2s' }, /give one of them/],
    [{ frames: 0 }, /1 \(an image\) or at least 17/],
    [{ frames: 2 }, /1 \(an image\) or at least 17/],
    [{ frames: 16 }, /A length of 16 frames is not possible/],
    [{ frames: 51.5 }, /51.5 frames/],
  ])('refuses %o', (request, message) => {
    expect(() => resolveSize(request)).toThrow(QuantCacheError);
    expect(() => resolveSize(request)).toThrow(message);
  });
});

test('factors are parameters', () => {
  const factors = { spatial: 4, chunkFrames: 9, temporal: 2 };
  expect(videoSize(30, 22, 11, factors)).toMatchObject({ latentHeight: 7, latentWidth: 5, latentFrames: 6 });
  expect(() => latentFrameCount(8, factors)).toThrow(/at least 9/);
});
