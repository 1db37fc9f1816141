/** The equations of AdaCache's motion regularisation, on residuals of one number per frame. */
import { expect, test } from 'vitest';
import { contextOf, numbers } from '../../test/scalars.ts';
import { createMotion, type MotionOptions } from './motion.ts';

const settings: MotionOptions = { strides: [1], active: [1, 30], scale: [0.5, 1, 1], gradient: 0 };
const motionOf = (changes: Partial<MotionOptions> = {}) => createMotion(contextOf(30), { ...settings, ...changes });
const frames = (...values: number[]) => numbers(values, [1, values.length]);

test('motion is how much frames differ, over the first number of the scale, to the power of the second, over the third', async () => {
  // |4 - 1| / (4 + 1) = 0.6
  expect(await motionOf().measure('a', frames(1, 4), 1, 1)).toEqual({ motion: 1.2, factor: 1.2 });
  const scaled = await motionOf({ scale: [0.3, 3, 4] }).measure('a', frames(1, 4), 1, 1);
  expect(scaled.motion).toBeCloseTo((0.6 / 0.3) ** 3 / 4, 12);
});

test('several distances count alike, those that a clip is too short for not at all', async () => {
  const clip = frames(1, 3, 9);
  const [near, far] = [(2 + 6) / (4 + 12), 8 / 10];
  const { motion } = await motionOf({ strides: [1, 2] }).measure('a', clip, 1, 1);
  expect(motion).toBeCloseTo((near + far) / 2 / 0.5, 12);
  const short = await motionOf({ strides: [1, 3] }).measure('a', clip, 1, 1);
  expect(short.motion).toBeCloseTo(near / 0.5, 12);
  expect(await motionOf({ strides: [1] }).measure('a', frames(1), 1, 1)).toMatchObject({ motion: 1 });
});

test('outside the active forwards motion is 1', async () => {
  const moving = motionOf({ active: [3, 5], scale: [0.25, 1, 1] });
  const found = [];
  for (let forward = 1; forward <= 7; forward++)
    found.push((await moving.measure('a', frames(1, 3), forward, 1)).motion);
  expect(found).toEqual([1, 1, 2, 2, 2, 1, 1]);
});

test('a change of motion counts by its weight over the rate, for each module alone; before the first, motion was 1', async () => {
  const motion = motionOf({ gradient: 6 });
  const still = frames(2, 2);
  const moving = frames(1, 3);
  // Motion 0 after 1.
  expect(await motion.measure('a', still, 1, 2)).toEqual({ motion: 0, factor: 3 });
  expect(await motion.measure('a', moving, 2, 3)).toEqual({ motion: 1, factor: 1 + 2 });
  expect(await motion.measure('a', moving, 3, 3)).toEqual({ motion: 1, factor: 1 });
  expect(await motion.measure('b', still, 3, 1)).toEqual({ motion: 0, factor: 6 });
});

test('motion that is no number is told, and forgotten', async () => {
  const motion = motionOf({ gradient: 6 });
  await motion.measure('a', frames(2, 2), 1, 1);
  expect(await motion.measure('a', frames(Number.NaN, 2), 2, 1)).toEqual({ motion: Number.NaN, factor: Number.NaN });
  expect(await motion.measure('a', frames(2, 2), 3, 1)).toEqual({ motion: 0, factor: 0 });
});
