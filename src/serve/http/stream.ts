/**
 * Event streams: first a snapshot, then what happens. A client that lost its connection names the last event that it has and
 * gets those after it as far as they are remembered. Comments keep connections open that nothing happens on.
 */
import type { Context } from 'hono';
import { streamSSE } from 'hono/streaming';
import type { ServerEvent } from '../api.ts';
import type { JobQueue, QueueEvent } from '../queue.ts';
import { videoIdOf } from '../video.ts';
import type { ServeContext } from './context.ts';
import { Refusal } from './refusal.ts';
import type { Shows } from './show.ts';

const pingMilliseconds = 15_000;

export interface Streams {
  /** Streams what happens to one job, until it is finished, or to all. */
  open(context: Context, jobId?: string): Promise<Response>;
  readonly count: number;
  /** Ends all streams. */
  close(): void;
}

export function createStreams({ queue, settings }: ServeContext, shows: Shows): Streams {
  const ends = new Set<() => void>();
  const previews = newestPreviews(queue);

  async function open(context: Context, jobId?: string): Promise<Response> {
    if (ends.size >= settings.maxStreams)
      throw new Refusal(429, 'rate_limited', `${settings.maxStreams} event streams are open already; close one.`, {
        headers: { 'retry-after': '5' },
      });
    const last = Number(context.req.header('last-event-id') ?? Number.NaN);
    context.header('x-accel-buffering', 'no'); // proxies would hold events back
    return streamSSE(context, async (stream) => {
      let end = () => {};
      const ended = new Promise<void>((resolve) => {
        end = resolve;
      });
      ends.add(end);
      let sending: Promise<unknown> = Promise.resolve();
      const send = (act: () => Promise<{ id: number | undefined; event: ServerEvent } | undefined>) => {
        sending = sending
          .then(act)
          .then(
            (one) =>
              one &&
              stream.writeSSE({ id: one.id?.toString(), event: one.event.type, data: JSON.stringify(one.event) }),
          )
          .catch(end);
      };
      stream.onAbort(end);
      send(async () => {
        const jobs = jobId === undefined ? await queue.active() : [await queue.get(jobId)].flatMap((job) => job ?? []);
        return { id: undefined, event: { type: 'snapshot', videos: await shows.videos(jobs) } };
      });
      for (const [id, event] of previews)
        if (jobId === undefined || jobId === id) send(async () => ({ id: undefined, event: await told(event, shows) }));
      const unsubscribe = queue.subscribe(
        (event) => {
          if (jobId !== undefined && event.id !== jobId) return;
          send(async () => ({ id: event.number, event: await told(event, shows) }));
          if (jobId !== undefined && ['completed', 'failed', 'deleted'].includes(event.type)) void sending.then(end);
        },
        Number.isFinite(last) ? last : undefined,
      );
      const ping = setInterval(() => void stream.write(': ping\n\n').catch(end), pingMilliseconds);
      const first = jobId === undefined ? undefined : await queue.get(jobId);
      if (first && (first.state === 'completed' || first.state === 'failed')) void sending.then(end);
      await ended;
      clearInterval(ping);
      unsubscribe();
      ends.delete(end);
    });
  }

  return {
    open,
    get count() {
      return ends.size;
    },
    close() {
      for (const end of ends) end();
    },
  };
}

/** What runs look like now, by job: who begins to listen should not have to wait for the next preview. */
function newestPreviews(queue: JobQueue): ReadonlyMap<string, QueueEvent> {
  const newest = new Map<string, QueueEvent>();
  queue.subscribe((event) => {
    if (event.type === 'preview') newest.set(event.id, event);
    else if (event.type !== 'progress' && event.type !== 'warning') newest.delete(event.id);
  });
  return newest;
}

/** An event of the queue as clients hear it. */
async function told(event: QueueEvent, shows: Shows): Promise<ServerEvent> {
  const id = videoIdOf(event.id);
  if ('news' in event) {
    const { news } = event;
    if (news.type === 'progress') return { type: 'progress', id, ...news.progress };
    if (news.type === 'warning') return { type: 'warning', id, message: news.message };
    return { type: 'preview', id, step: news.step, url: `/v1/videos/${id}/preview?step=${news.step}` };
  }
  if (event.type === 'deleted') return { type: event.type, id };
  const { type, job } = event;
  const video = await shows.video(job);
  if (type === 'queued') return { type, id, position: video.quantcache.queue_position ?? 0, video };
  if (type === 'started') return { type, id, attempt: job.attempt, video };
  return { type, id, video };
}
