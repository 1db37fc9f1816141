/**
 * Frames: a decoded video in memory, the one form that every encoder here takes and every metric compares.
 * Invariant: `data` is tightly packed RGB, 8 bits per channel, frame after frame, row after row: [count, height, width, 3].
 * The conversion from the decoder is Open-Sora's `save_sample`, float32 operation by float32 operation.
 */
import type { Clip } from '../clip.ts';
import { QuantCacheError } from '../errors.ts';

/** A video as 8-bit RGB: `data` is [count, height, width, 3]. */
export interface Frames {
  readonly width: number;
  readonly height: number;
  /** Frames per second; any positive number, 23.976 too. */
  readonly fps: number;
  readonly count: number;
  readonly data: Uint8Array;
}

/** The shape of a decoder's output for one clip: float32 [3, count, height, width]. */
export interface ClipShape {
  readonly count: number;
  readonly height: number;
  readonly width: number;
  readonly fps: number;
}

/** Wraps RGB bytes as frames after checking that the sizes agree. */
export function makeFrames(data: Uint8Array, shape: ClipShape): Frames {
  const { count, height, width, fps } = shape;
  for (const [name, value] of Object.entries({ count, height, width })) {
    if (!Number.isInteger(value) || value < 1)
      throw new QuantCacheError('invalid_option', `Frames need a whole ${name} of at least 1, but ${value} was given.`);
  }
  if (!(fps > 0) || !Number.isFinite(fps))
    throw new QuantCacheError('invalid_option', `Frames need a positive fps, but ${fps} was given.`);
  const expected = count * height * width * 3;
  if (data.length !== expected)
    throw new QuantCacheError(
      'invalid_option',
      `${count} RGB frames of ${width}x${height} need ${expected} bytes, but ${data.length} were given.`,
    );
  return { width, height, fps, count, data };
}

/**
 * Decoder output to frames, exactly as Open-Sora saves: clamp to [-1, 1], (x + 1) / 2 * 255 + 0.5, truncate to uint8.
 * Infinities are clamped as in the original; NaN is an error here, because a black video would hide a broken run.
 */
export function framesFromDecoded(decoded: Float32Array, shape: ClipShape): Frames {
  const plane = shape.count * shape.height * shape.width;
  const data = new Uint8Array(plane * 3);
  if (decoded.length !== data.length)
    throw new QuantCacheError(
      'invalid_option',
      `A decoded clip [3, ${shape.count}, ${shape.height}, ${shape.width}] has ${data.length} values, but ${decoded.length} were given.`,
    );
  const { fround } = Math;
  let invalid = 0;
  for (let channel = 0; channel < 3; channel++) {
    const start = channel * plane;
    for (let i = 0; i < plane; i++) {
      const value = decoded[start + i]!;
      if (Number.isNaN(value)) invalid++;
      const clamped = Math.min(Math.max(value, -1), 1);
      const unit = fround(clamped + 1) / 2; // dividing by two is exact
      data[i * 3 + channel] = fround(fround(unit * 255) + 0.5); // storing truncates
    }
  }
  if (invalid > 0)
    throw new QuantCacheError(
      'not_finite',
      `${invalid} of ${data.length} decoded values are NaN, so there is no video to save. Try --precision fp32, or another seed to see whether it is the model.`,
    );
  return makeFrames(data, shape);
}

/** A decoded clip of three channels as frames; see `framesFromDecoded`. */
export const framesOf = ({ data, frames: count, height, width }: Clip, fps: number): Frames =>
  framesFromDecoded(data, { count, height, width, fps });

/** Frames back to float32 [3, count, height, width] in [-1, 1], as the encoder of the VAE takes them. */
export function framesToTensor(frames: Frames): Float32Array {
  const plane = frames.count * frames.height * frames.width;
  const tensor = new Float32Array(plane * 3);
  const { fround } = Math;
  for (let channel = 0; channel < 3; channel++) {
    for (let i = 0; i < plane; i++) {
      const unit = fround(frames.data[i * 3 + channel]! / 255); // torchvision ToTensor
      tensor[channel * plane + i] = (unit - 0.5) / 0.5; // torchvision Normalize(0.5, 0.5)
    }
  }
  return tensor;
}

/** The RGB bytes of one frame, [height, width, 3]: a view, not a copy. */
export function frameAt(frames: Frames, index: number): Uint8Array {
  const size = frames.width * frames.height * 3;
  return frames.data.subarray(index * size, (index + 1) * size);
}
