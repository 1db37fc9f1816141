/**
 * The frames of a clip, all of them at once: players then show the same frame at the same time, step exactly, and differences
 * are those of the same frame.
 */

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

const kept = new Map<string, Promise<Frames>>();
/** Clips that are kept at most, the longest unused goes first. */
const mostClips = 12;

/** The frames of the clip at an address. Rejects with a message for people where it cannot be read. */
export function framesOf(url: string): Promise<Frames> {
  const known = kept.get(url);
  const frames = known ?? load(url);
  kept.delete(url);
  kept.set(url, frames);
  if (!known) frames.catch(() => kept.delete(url));
  for (const oldest of [...kept.keys()].slice(0, -mostClips)) kept.delete(oldest);
  return frames;
}

async function load(url: string): Promise<Frames> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`The clip could not be loaded (${response.status}).`);
  const blob = await response.blob();
  // WebCodecs is missing on pages that came over plain HTTP from another machine.
  if (!('VideoDecoder' in globalThis)) return (await import('./seek.ts')).framesBySeeking(url);
  return (await import('./decode.ts')).decode(blob);
}
