/**
 * A clip: what goes into and comes out of a video VAE, be it pixels or latents. Cutting and joining in time is copying
 * whole runs of memory; no number is looked at here.
 */

/** Numbers of one clip, `[channels, frames, height, width]`. */
export interface Clip {
  readonly data: Float32Array;
  readonly channels: number;
  readonly frames: number;
  readonly height: number;
  readonly width: number;
}

/** A clip over data with the dims `[1, channels, frames, height, width]`. */
export function clipOf(data: Float32Array, dims: readonly number[]): Clip {
  const [, channels, frames, height, width] = dims as [number, number, number, number, number];
  return { data, channels, frames, height, width };
}

/** The dims of a clip with a batch of one in front: `[1, channels, frames, height, width]`. */
export const dimsOf = (clip: Clip): number[] => [1, clip.channels, clip.frames, clip.height, clip.width];

/** A clip of zeros with the sizes of another but so many frames. */
export function zeroFrames(like: Clip, frames: number): Clip {
  return { ...like, frames, data: new Float32Array(like.channels * frames * like.height * like.width) };
}

/** The frames from `start` up to `end` (at most the last), as a copy. */
export function sliceFrames(clip: Clip, start: number, end = clip.frames): Clip {
  const plane = clip.height * clip.width;
  const part = zeroFrames(clip, Math.min(end, clip.frames) - start);
  for (let channel = 0; channel < clip.channels; channel++) {
    const from = (channel * clip.frames + start) * plane;
    part.data.set(clip.data.subarray(from, from + part.frames * plane), channel * part.frames * plane);
  }
  return part;
}

/** Clips of equal size, at least one, one after the other. */
export function concatFrames(clips: readonly Clip[]): Clip {
  const first = clips[0]!;
  const plane = first.height * first.width;
  const whole = zeroFrames(
    first,
    clips.reduce((count, clip) => count + clip.frames, 0),
  );
  let start = 0;
  for (const clip of clips) {
    for (let channel = 0; channel < clip.channels; channel++) {
      const from = channel * clip.frames * plane;
      const to = (channel * whole.frames + start) * plane;
      whole.data.set(clip.data.subarray(from, from + clip.frames * plane), to);
    }
    start += clip.frames;
  }
  return whole;
}

/** A clip in parts of at most so many frames, in order. */
export function* chunksOf(clip: Clip, frames: number): Generator<Clip> {
  for (let start = 0; start < clip.frames; start += frames) yield sliceFrames(clip, start, start + frames);
}

/** A batch of clips with the sizes of one, as one clip each, sharing its memory. */
export function samplesOf(batch: Float32Array, sizes: Omit<Clip, 'data'>, count: number): Clip[] {
  const size = batch.length / count;
  return Array.from({ length: count }, (_, i) => ({ ...sizes, data: batch.subarray(i * size, (i + 1) * size) }));
}
