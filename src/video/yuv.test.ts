import { expect, it } from 'vitest';
import { makeFrames } from './frames.ts';
import { frameToI420 } from './yuv.ts';

it('gives the BT.601 values of the standard colours', () => {
  const colours: [rgb: number[], yuv: number[]][] = [
    [
      [0, 0, 0],
      [16, 128, 128],
    ],
    [
      [255, 255, 255],
      [235, 128, 128],
    ],
    [
      [255, 0, 0],
      [81, 90, 240],
    ],
    [
      [0, 255, 0],
      [145, 54, 34],
    ],
    [
      [0, 0, 255],
      [41, 240, 110],
    ],
  ];
  for (const [rgb, yuv] of colours) {
    const frames = makeFrames(Uint8Array.from([rgb, rgb, rgb, rgb].flat()), { count: 1, height: 2, width: 2, fps: 1 });
    const [y, u, v] = yuv;
    expect([...frameToI420(frames, 0)]).toEqual([y, y, y, y, u, v]);
  }
});

it('grows odd sizes by copies of the last row and column', () => {
  const grey = [0, 50, 100, 150, 200, 250, 30, 60, 90].flatMap((value) => [value, value, value]);
  const frames = makeFrames(Uint8Array.from(grey), { count: 1, height: 3, width: 3, fps: 1 });
  const planes = frameToI420(frames, 0);
  expect(planes.length).toBe(24);
  const luma = Array.from({ length: 4 }, (_, y) => [...planes.subarray(y * 4, y * 4 + 4)]);
  for (const row of luma) expect(row[3]).toBe(row[2]);
  expect(luma[3]).toEqual(luma[2]);
  expect(luma[0]!.slice(0, 3)).toEqual([16, 59, 102]);
  expect([...planes.subarray(16)]).toEqual(Array(8).fill(128));
});
