import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, expect, it } from 'vitest';
import { loadImage, readPicture } from './image.ts';

const folder = mkdtempSync(join(tmpdir(), 'quantcache-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Two by two pixels: red, green, blue, white. */
const corners = Buffer.from([255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255]);
const raw = { raw: { width: 2, height: 2, channels: 3 as const } };

it('gives [3, 1, height, width] in [-1, 1]', async () => {
  const path = join(folder, 'corners.png');
  await sharp(corners, raw).png().toFile(path);
  const tensor = await loadImage(path, { height: 2, width: 2 });
  expect([...tensor]).toEqual([1, -1, -1, 1, -1, 1, -1, 1, -1, -1, 1, 1]);
  expect((await loadImage(path, { height: 16, width: 32 })).length).toBe(3 * 16 * 32);
});

it.each(['jpeg', 'webp'] as const)('reads %s', async (format) => {
  const path = join(folder, `flat.${format}`);
  const flat = { create: { width: 20, height: 10, channels: 3 as const, background: { r: 200, g: 100, b: 50 } } };
  await sharp(flat).toFormat(format, { quality: 95 }).toFile(path);
  const { width, height, data } = await readPicture(path);
  expect([width, height]).toEqual([20, 10]);
  expect(Math.max(...[200, 100, 50].map((value, channel) => Math.abs(value - data[300 + channel]!)))).toBeLessThan(4);
});

it('turns photos upright, drops transparency, makes grey RGB', async () => {
  const lying = join(folder, 'lying.png');
  await sharp(corners, raw).withMetadata({ orientation: 6 }).png().toFile(lying); // 6: turn right to see it upright
  expect([...(await readPicture(lying)).data]).toEqual([0, 0, 255, 255, 0, 0, 255, 255, 255, 0, 255, 0]);

  const glass = join(folder, 'glass.png');
  await sharp(Buffer.from([10, 20, 30, 0]), { raw: { width: 1, height: 1, channels: 4 } })
    .png()
    .toFile(glass);
  expect([...(await readPicture(glass)).data]).toEqual([10, 20, 30]);

  const grey = join(folder, 'grey.png');
  await sharp(Buffer.from([77]), { raw: { width: 1, height: 1, channels: 1 } })
    .toColourspace('b-w')
    .png()
    .toFile(grey);
  expect([...(await readPicture(grey)).data]).toEqual([77, 77, 77]);

  const deep = join(folder, 'deep.png');
  await sharp(corners, raw).toColourspace('rgb16').png().toFile(deep);
  expect([...(await readPicture(deep)).data]).toEqual([...corners]);
});

it('says what is wrong with a file', async () => {
  const size = { height: 8, width: 8 };
  const broken = join(folder, 'broken.png');
  writeFileSync(broken, 'no picture');
  await expect(loadImage(broken, size)).rejects.toMatchObject({ code: 'corrupt_file' });
  const whole = await sharp({
    create: {
      width: 64,
      height: 64,
      channels: 3,
      background: 'red',
      noise: { type: 'gaussian', mean: 128, sigma: 50 },
    },
  })
    .png()
    .toBuffer();
  writeFileSync(broken, whole.subarray(0, whole.length / 2));
  await expect(loadImage(broken, size)).rejects.toMatchObject({ code: 'corrupt_file' });
  await expect(loadImage(join(folder, 'none.png'), size)).rejects.toMatchObject({ code: 'model_not_found' });
  await expect(loadImage(folder, size)).rejects.toMatchObject({ code: 'io' });
});

it('refuses a picture of more pixels than a camera has, before reading them', async () => {
  const path = join(folder, 'huge.png');
  const create = { width: 9000, height: 9000, channels: 3 as const, background: 'black' };
  await sharp({ create }).png({ compressionLevel: 1 }).toFile(path);
  await expect(loadImage(path, { height: 16, width: 16 })).rejects.toMatchObject({
    code: 'invalid_option',
    message: expect.stringMatching(/9000x9000 pixels.*smaller/),
  });
});
