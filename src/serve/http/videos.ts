/** The routes of videos. */
import { type Context, Hono } from 'hono';
import type { VideoList } from '../api.ts';
import type { Job } from '../job.ts';
import { jobIdOf, videoIdOf } from '../video.ts';
import { contentOf, previewOf } from './content.ts';
import type { RequestVariables, ServeContext } from './context.ts';
import { createCreates } from './create.ts';
import { conflict, notFound, Refusal } from './refusal.ts';
import type { Shows } from './show.ts';
import type { Streams } from './stream.ts';

/** Milliseconds between questions of clients that poll: short where the end is near. */
const [soon, later] = [500, 2000];
const nearSeconds = 10;

const defaultPage = 20;
const largestPage = 100;

export function videoRoutes(serve: ServeContext, shows: Shows, streams: Streams): Hono<RequestVariables> {
  const app = new Hono<RequestVariables>();
  const { queue } = serve;
  const creates = createCreates(serve, shows);
  const jobOf = async (context: Context): Promise<Job> => {
    const id = jobIdOf(context.req.param('id') ?? '');
    const job = id === undefined ? undefined : await queue.get(id);
    if (!job) throw notFound();
    return job;
  };

  app.post('/videos', async (context) => context.json(await creates.create(context)));
  for (const name of ['edits', 'extensions', 'characters'])
    app.post(`/videos/${name}`, () => {
      throw new Refusal(400, 'unsupported', 'This server makes new videos only.');
    });
  app.get('/videos', async (context) => context.json(await page(context)));
  app.get('/videos/:id', async (context) => {
    const video = await shows.video(await jobOf(context));
    const eta = video.quantcache.eta_seconds;
    context.header('openai-poll-after-ms', String(eta !== null && eta >= nearSeconds ? later : soon));
    return context.json(video);
  });
  app.delete('/videos/:id', async (context) => {
    const { id } = await jobOf(context);
    if (!(await queue.remove(id))) throw notFound();
    return context.json({ id: videoIdOf(id), object: 'video.deleted', deleted: true });
  });
  app.get('/videos/:id/content', async (context) => contentOf(context, serve, await jobOf(context)));
  app.get('/videos/:id/preview', async (context) => previewOf(context, serve, await jobOf(context)));
  app.get('/videos/:id/events', async (context) => streams.open(context, (await jobOf(context)).id));
  app.get('/events', (context) => streams.open(context));
  app.post('/videos/:id/remix', async (context) => context.json(await creates.remix(context, await jobOf(context))));
  app.post('/videos/:id/cancel', async (context) => {
    const cancelled = await queue.cancel((await jobOf(context)).id);
    if (cancelled.kind === 'unknown') throw notFound();
    if (cancelled.kind === 'finished')
      throw conflict('video_finished', 'The video is finished; there is nothing to cancel.');
    return context.json(await shows.video(cancelled.job));
  });
  app.post('/videos/:id/retry', async (context) => {
    const job = await jobOf(context);
    if (job.state !== 'failed')
      throw conflict('video_not_failed', 'Only a video that failed or was cancelled can be tried again.');
    return context.json(await creates.retry(context, job));
  });

  async function page({ req }: Context): Promise<VideoList> {
    const { after, limit = String(defaultPage), order = 'desc' } = req.query();
    const count = Number(limit);
    if (!Number.isInteger(count) || count < 1 || count > largestPage)
      throw new Refusal(400, 'invalid_value', `limit may be 1 to ${largestPage}.`, { param: 'limit' });
    if (order !== 'asc' && order !== 'desc')
      throw new Refusal(400, 'invalid_value', 'order may be asc or desc.', { param: 'order' });
    const afterId = after === undefined ? undefined : jobIdOf(after);
    if (after !== undefined && (afterId === undefined || !(await queue.get(afterId))))
      throw new Refusal(404, 'not_found', 'There is no video to list those after.', { param: 'after' });
    const { jobs, hasMore } = await queue.list({ after: afterId, limit: count, order });
    const data = await shows.videos(jobs);
    return { object: 'list', data, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null, has_more: hasMore };
  }
  return app;
}
