/** Pictures of latents by maps that are known, and the files that hold maps. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { Clip } from '../clip.ts';
import {
  drawLatents,
  findPreviewMap,
  fitToSize,
  loadPreviewMap,
  mostPictures,
  savePreviewMap,
  valuesOf,
} from './map.ts';

const folder = mkdtempSync(join(tmpdir(), 'quantcache-preview-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const model = { name: 'small', hash: 'a' };
const row = (at: Readonly<Record<number, number>>, columns: number) =>
  Array.from({ length: columns }, (_, i) => at[i] ?? 0);

/** One channel, blocks of one pixel: red the place itself, green its left neighbour, blue the square of the mean. */
const single = {
  model,
  channels: 1,
  block: 1,
  weights: [row({ 4: 1 }, 11), row({ 3: 1 }, 11), row({ 9: 1 }, 11)],
  measured: {},
};
const clip = (values: number[], sizes: Omit<Clip, 'data'>): Clip => ({ data: Float32Array.from(values), ...sizes });
const bytesOf = (values: number[]) => values.map((value) => Math.floor(127.5 * (value + 1) + 0.5));

test('every pixel follows from its place and those around it, and beyond the edge is what is at the edge', () => {
  const latents = clip([-0.5, 0.5], { channels: 1, frames: 1, height: 1, width: 2 });
  const drawn = drawLatents(fitToSize(single, 2), latents, 4);
  expect(drawn).toMatchObject({ count: 1, height: 1, width: 2, fps: 4 });
  // At the left the neighbourhood is three times -0.5 -0.5 0.5, at the right -0.5 0.5 0.5: squares of means 1/36.
  expect([...drawn.data]).toEqual(bytesOf([-0.5, -0.5, 1 / 36, 0.5, -0.5, 1 / 36]));
});

test('values are those of the frame, channel by channel, and beyond black and white there is nothing', () => {
  const columns = valuesOf(2);
  const weights = [row({ 8: 1 }, columns), row({ 9: 1 }, columns), row({ [columns - 1]: 9 }, columns)];
  const latents = clip([-1, 0, 0.5, -9], { channels: 2, frames: 2, height: 1, width: 1 });
  const drawn = drawLatents(fitToSize({ channels: 2, block: 1, weights }, 1), latents, 4);
  expect([...drawn.data]).toEqual([...bytesOf([-1, 0.5]), 255, 128, 0, 255]);
});

test('where pictures would be large, a pixel is the mean of those that it stands for', () => {
  const constants = Array.from({ length: 12 }, (_, i) => row({ 10: i / 13 }, 11));
  const latents = clip([0], { channels: 1, frames: 1, height: 1, width: 1 });
  const large = drawLatents(fitToSize({ channels: 1, block: 2, weights: constants }, 128), latents, 4);
  const small = drawLatents(fitToSize({ channels: 1, block: 2, weights: constants }, 129), latents, 4);
  expect([large.width, large.height, small.width, small.height]).toEqual([2, 2, 1, 1]);
  expect([...large.data]).toEqual(bytesOf(constants.map((weights) => weights[10]!)));
  expect([...small.data]).toEqual(bytesOf([0, 1, 2].map((colour) => (4 * colour + 18) / 52)));
});

test('of many frames some are drawn, the first and the last among them', () => {
  const frames = 3 * mostPictures + 1;
  const latents = clip(
    Array.from({ length: frames }, (_, i) => i / frames),
    { channels: 1, frames, height: 1, width: 1 },
  );
  const { count, data } = drawLatents(fitToSize(single, 1), latents, 4);
  expect(count).toBe(mostPictures);
  expect([data[0], data[3 * (count - 1)]]).toEqual(bytesOf([0, (frames - 1) / frames]));
});

describe('a file', () => {
  const pipeline = (hash = 'a') => ({ folder, model: 'small', hash: async () => hash });

  test('holds a map, for the weights that it was fitted to', async () => {
    expect(await findPreviewMap(pipeline())).toBeUndefined();
    await expect(loadPreviewMap(pipeline())).rejects.toThrow('calibrate --preview');
    await savePreviewMap(join(folder, 'profiles', 'preview.json'), single);
    expect(await loadPreviewMap(pipeline())).toMatchObject(single);
    await expect(loadPreviewMap(pipeline('b'))).rejects.toMatchObject({ code: 'weights_mismatch' });
  });

  test('with other numbers of weights than it says is refused', async () => {
    await savePreviewMap(join(folder, 'profiles', 'preview.json'), { ...single, channels: 2 });
    await expect(loadPreviewMap(pipeline())).rejects.toMatchObject({ code: 'corrupt_file' });
  });
});
