/** How videos and their numbers are called. */
import type { Video } from './api/types.ts';

/** In what a clip differs from others of its prompt and seed. */
export function methodOf({ quantcache }: Video): string {
  const { profile, policy, precision, request } = quantcache;
  const asked = request.quantcache ?? {};
  if (asked.quality !== undefined) return `aims at ${asked.quality} dB`;
  if (profile) return profile;
  if (asked.speedup !== undefined) return `aims at ${asked.speedup}×`;
  const name = policy ?? asked.policy ?? asked.profile ?? 'standard';
  return precision && !(name === 'full' && precision === 'fp32') ? `${name} ${precision}` : name;
}

/** The names of two clips, with what tells them apart. */
export function apart(a: Video, b: Video): readonly [string, string] {
  const names = [methodOf(a), methodOf(b)] as const;
  if (names[0] !== names[1]) return names;
  return [`${names[0]}, seed ${a.quantcache.seed}`, `${names[1]}, seed ${b.quantcache.seed}`];
}

/** A span of time, as short as it can be said. */
export function span(seconds: number): string {
  if (seconds < 1) return '< 1 s';
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60
    ? `${minutes} min ${Math.round(seconds % 60)} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** How long ago a time of the API was. */
export function ago(seconds: number, now = Date.now() / 1000): string {
  const passed = Math.max(0, now - seconds);
  if (passed < 60) return 'just now';
  if (passed < 3600) return `${Math.floor(passed / 60)} min ago`;
  if (passed < 86_400) return `${Math.floor(passed / 3600)} h ago`;
  return new Date(seconds * 1000).toLocaleDateString(undefined, { day: 'numeric', month: 'short', year: 'numeric' });
}

/** Seconds that a run took by the engine's own clock; undefined where nobody recorded them. */
export function secondsOf({ quantcache: { times } }: Video): number | undefined {
  if (!times) return undefined;
  const { total, ...stages } = times;
  return (total ?? Object.values(stages).reduce((sum, time) => sum + time, 0)) / 1000;
}

/** First, second, third. */
export function ordinal(place: number): string {
  const ends = { one: 'st', two: 'nd', few: 'rd', other: 'th', zero: 'th', many: 'th' };
  return `${place}${ends[new Intl.PluralRules('en', { type: 'ordinal' }).select(place)]}`;
}

/** Whether the page can play what a clip was written as. */
export const isPlayable = ({ quantcache }: Video): boolean =>
  quantcache.output_format === 'mp4' || quantcache.output_format === 'webm';

/** What the film strip of a video's preview is cut by. */
export const shapeOf = (video: Video) => ({ ratio: ratioOf(video), seconds: Number(video.seconds) });

/** Width over height. */
export function ratioOf({ size }: Video): number {
  const [width = 1, height = 1] = size.split('x').map(Number);
  return width / height;
}
