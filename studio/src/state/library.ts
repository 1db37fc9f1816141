/**
 * The videos that the page knows, kept up to date by the server's events. Signals: whatever shows one follows by itself.
 * Everything comes from the server, so that a closed tab loses nothing.
 */
import { computed, signal } from '@preact/signals';
import { cancelVideo, createVideo, deleteVideo, getVideo, listVideos, retryVideo } from '../api/client.ts';
import { listen } from '../api/events.ts';
import type { CreateVideo, Progress, ServerEvent, StepKind, Video } from '../api/types.ts';
import { refused, say, whisper } from './notices.ts';

/** What is known of a run beside its video. */
export interface Live {
  readonly progress?: Progress;
  /** What was done at each step so far. */
  readonly steps: readonly StepKind[];
  /** Address of the newest preview. */
  readonly preview?: string;
  /** When `progress` came, in milliseconds since 1970. */
  readonly at: number;
}

const byId = signal<ReadonlyMap<string, Video>>(new Map());
const live = signal<ReadonlyMap<string, Live>>(new Map());

/** Whether the event stream is there; undefined before the first try ended. */
export const connected = signal<boolean | undefined>(undefined);
/** Whether older videos are on the server than are known here. */
export const hasOlder = signal(true);
const loading = signal(false);

/** The newest first. */
export const videos = computed(() => [...byId.value.values()].sort((a, b) => b.created_at - a.created_at));
/** What runs, then what waits in its order. */
export const unfinished = computed(() => videos.value.filter(isUnfinished).sort((a, b) => placeOf(a) - placeOf(b)));
/** Those that ended, the newest first. */
export const finished = computed(() => videos.value.filter((video) => !isUnfinished(video)));

const placeOf = ({ quantcache, created_at }: Video) => quantcache.queue_position ?? (created_at > 0 ? 0 : 1);
export const isUnfinished = ({ status }: Video): boolean => status === 'queued' || status === 'in_progress';
export const isCancelled = ({ error }: Video): boolean => error?.code === 'cancelled';

export const videoOf = (id: string): Video | undefined => byId.value.get(id);
export const liveOf = (id: string): Live | undefined => live.value.get(id);

/** Starts to listen and loads the newest videos; returns what ends it. */
export function openLibrary(): () => void {
  void loadOlder();
  return listen({
    event: apply,
    connected(is) {
      connected.value = is;
    },
  });
}

let last: string | undefined;
let connectedBefore = false;

/** Loads the next page of older videos. */
export async function loadOlder(): Promise<void> {
  if (loading.value || !hasOlder.value) return;
  loading.value = true;
  try {
    const page = await listVideos(last);
    put(...page.data.filter(({ id }) => !byId.value.has(id)));
    last = page.last_id ?? last;
    hasOlder.value = page.has_more;
  } catch (error) {
    hasOlder.value = false;
    refused(error);
  } finally {
    loading.value = false;
  }
}

/** Loads what came and ended while the connection was away. */
async function refresh(): Promise<void> {
  put(...(await listVideos().catch(() => ({ data: [] }))).data);
}

/** Loads all that there is, for searches. */
export async function loadAll(): Promise<void> {
  while (hasOlder.value && !loading.value) await loadOlder();
}

/** Loads one video that an address names. */
export async function ensure(id: string): Promise<void> {
  if (!byId.value.has(id)) put(await getVideo(id));
}

/** Puts videos in the queue, one after the other, so that they keep their order. */
export async function make(requests: readonly CreateVideo[]): Promise<Video[]> {
  const made: Video[] = [];
  for (const request of requests) {
    const video = await createVideo(request);
    putAnswer(video);
    made.push(video);
  }
  return made;
}

/** Puts a video that failed in the queue again. */
export async function again({ id }: Video): Promise<Video> {
  const video = await retryVideo(id);
  putAnswer(video);
  return video;
}

/** Stops a video that waits or runs. */
export async function cancel({ id }: Video): Promise<void> {
  try {
    put(await cancelVideo(id));
    say('Cancelled.');
  } catch (error) {
    refused(error);
  }
}

/** Removes a video and its files. */
export async function remove({ id }: Video): Promise<void> {
  try {
    await deleteVideo(id);
    forget(id);
    say('Deleted.');
  } catch (error) {
    refused(error);
  }
}

/** Takes in what the server told. */
export function apply(event: ServerEvent): void {
  switch (event.type) {
    case 'snapshot':
      put(...event.videos);
      if (connectedBefore) void refresh();
      connectedBefore = true;
      for (const { id } of unfinished.value)
        if (!event.videos.some((video) => video.id === id)) getVideo(id).then(put, () => forget(id));
      return;
    case 'progress': {
      const { id, type: _, ...progress } = event;
      advance(id, progress);
      return;
    }
    case 'preview':
      watch(event.id, { preview: event.url });
      return;
    case 'warning':
      return;
    case 'deleted':
      forget(event.id);
      return;
    case 'started':
      watch(event.id, { steps: [], preview: undefined, progress: undefined });
      put(event.video);
      return;
    case 'queued':
      put(event.video);
      return;
    case 'completed':
    case 'failed':
      put(event.video);
      (event.type === 'completed' || isCancelled(event.video) ? whisper : refused)(endOf(event.video));
      return;
    default:
      event satisfies never;
  }
}

function endOf(video: Video): string {
  const name = `“${video.prompt.slice(0, 60)}”`;
  if (video.status === 'completed') return `${name} is ready.`;
  return isCancelled(video) ? `${name} was cancelled.` : `${name} failed: ${video.error?.message ?? 'no reason given'}`;
}

function advance(id: string, progress: Progress): void {
  const steps = [...(liveOf(id)?.steps ?? videoOf(id)?.quantcache.steps ?? [])];
  // Steps that were missed while the connection was away stay open.
  if (progress.did && progress.step > 0) steps[progress.step - 1] = progress.did;
  watch(id, { progress, steps });
  const video = videoOf(id);
  if (!video) return;
  const { eta_seconds, step } = progress;
  put({ ...video, progress: progress.progress, quantcache: { ...video.quantcache, eta_seconds, step } });
}

function watch(id: string, news: Partial<Live>): void {
  const known = live.value.get(id) ?? { steps: [], at: Date.now() };
  live.value = new Map(live.value).set(id, { ...known, ...news, at: Date.now() });
}

/** Takes in a video that waits, unless events have told meanwhile that it was begun: they may overtake an answer. */
export function putAnswer(video: Video): void {
  const known = videoOf(video.id);
  const overtaken = known && known.status !== 'failed' && known.quantcache.attempt > video.quantcache.attempt;
  if (!overtaken) put(video);
}

function put(...news: readonly Video[]): void {
  if (news.length === 0) return;
  const next = new Map(byId.value);
  for (const video of news) next.set(video.id, video);
  byId.value = next;
}

function forget(id: string): void {
  const next = new Map(byId.value);
  next.delete(id);
  byId.value = next;
}
