/**
 * The frames of a clip, all of them at once: players then show the same frame at the same time, step exactly, and differences
 * are those of the same frame.
 */
import type { Frames } from './frames.ts';

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
