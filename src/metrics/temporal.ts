/**
 * Figures of one clip alone, about how it changes over time. Cheap and without a network: they tell a frozen or a
 * flickering clip from a moving one; they do not tell a good one.
 */
import type { Frames } from '../video/frames.ts';

/** Change of brightness, in levels of 255, from which a pixel counts as moving. */
const movingThreshold = 5;

/** Flicker: the mean absolute difference between neighbouring frames, in levels of 255; 0 for a still clip. */
export function flicker(frames: Frames): number {
  const { data } = frames;
  const size = data.length / frames.count;
  if (frames.count < 2) return 0;
  let sum = 0;
  for (let i = size; i < data.length; i++) sum += Math.abs(data[i]! - data[i - size]!);
  return sum / (data.length - size);
}

/** Motion smoothness: 1 minus each frame's mean distance from the mean of its neighbours, over 255; 1 is even motion. */
export function motionSmoothness(frames: Frames): number {
  const { data } = frames;
  const size = data.length / frames.count;
  if (frames.count < 3) return 1;
  let sum = 0;
  for (let i = size; i < data.length - size; i++) sum += Math.abs(data[i]! - (data[i - size]! + data[i + size]!) / 2);
  return 1 - sum / (data.length - 2 * size) / 255;
}

/** Dynamic degree: the share of pixels whose brightness changes by more than 5 levels from frame to frame. */
export function dynamicDegree(frames: Frames): number {
  const { data, count } = frames;
  const size = data.length / count;
  if (count < 2) return 0;
  let moving = 0;
  for (let i = size; i < data.length; i += 3)
    if (Math.abs(brightness(data, i) - brightness(data, i - size)) > movingThreshold) moving++;
  return moving / ((data.length - size) / 3);
}

/** BT.601 luma of the pixel at byte `at`. */
function brightness(data: Uint8Array, at: number): number {
  return 0.299 * data[at]! + 0.587 * data[at + 1]! + 0.114 * data[at + 2]!;
}
