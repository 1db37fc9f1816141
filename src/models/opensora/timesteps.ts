/**
 * The times at which rectified flow evaluates the model, largest first, on the scale 0..1000.
 *
 * Invariants: every operation is rounded to float32 in the order of the original, so the list is that of Open-Sora run
 * in float32 (its bfloat16 run rounds height, width and frames first and differs by up to 0.9; that is not reproduced).
 * One deviation: no time exceeds 1000. For images smaller than 256 x 256 the original's rounding gives 1000.0001, which
 * makes it skip step 0.
 * Reference: opensora/schedulers/rf/rectified_flow.py, `timestep_transform`; Open-Sora 1.2 report, resolution-dependent
 * shift after Stable Diffusion 3.
 */

import { QuantCacheError } from '../../errors.ts';
import type { Schedule } from '../../sampler.ts';

const f32 = Math.fround;

/** The length of the time axis: the model sees times between 0 (data) and this (noise). */
export const timeScale = 1000;

/** What the list of times depends on. */
export interface TimestepOptions {
  /** Number of model evaluations. */
  steps: number;
  /** Pixel height and width as conditioned on (not rounded to the VAE's grid), and the number of frames. */
  height: number;
  width: number;
  frames: number;
  /** Shift the times towards noise for large videos. Default true. */
  transform?: boolean;
  /** Pixels of a frame for which times are not shifted. Default 512 * 512. */
  baseResolution?: number;
  /** Frames and latent frames of one chunk of the temporal VAE. Default 17 and 5; a last, shorter chunk is not counted. */
  chunkFrames?: number;
  chunkLatents?: number;
}

/** The `steps` times t_0 > t_1 > ... > 0; t_0 is 1000 and 0 itself is never evaluated. */
export function rflowTimesteps(options: TimestepOptions): Float32Array {
  const { steps, transform = true } = options;
  if (!Number.isInteger(steps) || steps < 1 || steps > timeScale) {
    throw new QuantCacheError(
      'invalid_option',
      `${steps} sampling steps were asked for; use a whole number from 1 to ${timeScale}, the times that the model was trained on.`,
    );
  }
  const times = Float32Array.from({ length: steps }, (_, i) => (1 - i / steps) * timeScale);
  if (!transform) return times;
  const ratio = shiftRatio(options);
  return times.map((time) => Math.min(timeScale, shiftTime(time, ratio)));
}

/** How far times move towards noise: sqrt(pixels / base pixels) * sqrt(latent frames). */
export function shiftRatio(options: Omit<TimestepOptions, 'steps'>): number {
  const { height, width, frames, baseResolution = 512 * 512, chunkFrames = 17, chunkLatents = 5 } = options;
  if (frames > 1 && frames < chunkFrames) {
    throw new QuantCacheError(
      'invalid_option',
      `${frames} frames have no timesteps; use 1 frame (an image) or at least ${chunkFrames}.`,
    );
  }
  const space = f32(Math.sqrt(f32(f32(height * width) / baseResolution)));
  const latentFrames = frames === 1 ? 1 : Math.floor(frames / chunkFrames) * chunkLatents;
  return f32(space * f32(Math.sqrt(latentFrames)));
}

/** t' = 1000 * ratio*u / (1 + (ratio - 1)*u) with u = t / 1000. */
function shiftTime(time: number, ratio: number): number {
  const u = f32(time / timeScale);
  const shifted = f32(f32(ratio * u) / f32(1 + f32(f32(ratio - 1) * u)));
  return f32(shifted * timeScale);
}

/** The same times as a schedule: they are noise levels, too. */
export function rflowSchedule(options: TimestepOptions): Schedule {
  const timesteps = rflowTimesteps(options);
  return { timesteps, noiseLevels: [...Array.from(timesteps, (time) => time / timeScale), 0] };
}
