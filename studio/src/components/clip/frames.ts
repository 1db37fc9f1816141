/** A clip's frames in memory, and how large they may be there. */

/** A clip in memory. */
export interface Frames {
  readonly images: readonly ImageBitmap[];
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  /** Whether the images are smaller than the clip, so that it fits into memory; numbers about pixels are then not to be had. */
  readonly reduced: boolean;
}

/** Pixels of a clip that are kept at most, about 400 MB. */
const mostPixels = 100e6;

/** By how much a clip has to shrink to be kept. */
export function scaleFor(width: number, height: number, frames: number): number {
  return Math.min(1, Math.sqrt(mostPixels / (width * height * Math.max(1, frames))));
}
