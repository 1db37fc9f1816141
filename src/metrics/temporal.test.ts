import { expect, it } from 'vitest';
import { makeFrames } from '../video/frames.ts';
import { movingBall } from '../video/testing.ts';
import { dynamicDegree, flicker, motionSmoothness } from './temporal.ts';

/** Grey frames of two pixels each. */
const grey = (...frames: [number, number][]) =>
  makeFrames(Uint8Array.from(frames.flat().flatMap((value) => [value, value, value])), {
    count: frames.length,
    height: 1,
    width: 2,
    fps: 1,
  });

it('knows still clips', () => {
  for (const still of [grey([7, 9]), grey([7, 9], [7, 9], [7, 9])])
    expect([flicker(still), motionSmoothness(still), dynamicDegree(still)]).toEqual([0, 1, 0]);
});

it('knows an even fade from a flicker', () => {
  const fade = grey([0, 100], [10, 100], [20, 100]);
  expect([flicker(fade), motionSmoothness(fade), dynamicDegree(fade)]).toEqual([5, 1, 0.5]);
  const flash = grey([0, 100], [10, 100], [0, 100]);
  expect([flicker(flash), dynamicDegree(flash)]).toEqual([5, 0.5]);
  expect(motionSmoothness(flash)).toBeCloseTo(1 - 5 / 255, 12);
});

it('leaves changes below the threshold out of the dynamic degree', () => {
  expect(dynamicDegree(grey([10, 10], [15, 16]))).toBe(0.5);
});

it('gives a moving ball its share of moving pixels', () => {
  const ball = movingBall({ count: 4, height: 48, width: 48, fps: 24 });
  expect(dynamicDegree(ball)).toBeGreaterThan(0.005);
  expect(dynamicDegree(ball)).toBeLessThan(0.05);
});
