/** The HTTP application: guards first, then routes; every error in the form that OpenAI's clients read. */
import { randomUUID } from 'node:crypto';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { HTTPException } from 'hono/http-exception';
import { QuantCacheError } from '../../errors.ts';
import { aboutRoutes } from './about.ts';
import { createSessions, keyGuard } from './auth.ts';
import { readBody } from './body.ts';
import type { RequestVariables, ServeContext } from './context.ts';
import { hostGuard, originGuard, protectiveHeaders } from './guard.ts';
import { createMetrics } from './metrics.ts';
import { openApiDocument } from './openapi.ts';
import { notFound, Refusal, type RefusalStatus } from './refusal.ts';
import { createShows } from './show.ts';
import { createStreams } from './stream.ts';
import { studioRoutes } from './studio.ts';
import { videoRoutes } from './videos.ts';

export interface App {
  readonly fetch: Hono['fetch'];
  readonly request: Hono['request'];
  /** Ends the event streams, which would keep the server. */
  close(): void;
}

export interface AppOptions {
  /** Folder of the built studio; by default the package's own. */
  readonly studio?: string;
  /** Told of errors that are nobody's fault but ours. */
  readonly onError?: (error: unknown) => void;
}

export async function createApp(serve: ServeContext, { studio, onError }: AppOptions = {}): Promise<App> {
  const { settings } = serve;
  const app = new Hono<RequestVariables>();
  const shows = createShows(serve.queue, settings.keep.milliseconds);
  const streams = createStreams(serve, shows);
  const metrics = createMetrics(serve, streams);
  const openSession = createSessions(settings.keys, serve.studioToken);
  const needsKey = keyGuard(settings.keys);

  app.use(async (context, next) => {
    context.set('requestId', randomUUID());
    context.header('x-request-id', context.var.requestId);
    await next();
  });
  app.use(protectiveHeaders, hostGuard(settings), originGuard(settings));
  app.use(bodyLimit({ maxSize: settings.maxUploadBytes, onError: () => tooLarge(settings.maxUploadBytes) }));

  app.get('/healthz', (context) => context.text('ok\n'));
  app.get('/readyz', (context) => (serve.isReady() ? context.text('ok\n') : context.text('starting\n', 503)));
  app.post('/v1/session', async (context) => {
    openSession(context, (await readBody(context)).fields.token);
    return context.body(null, 204);
  });
  app.use('/v1/*', needsKey);
  app.use('/openapi.json', needsKey);
  app.use('/metrics', needsKey);
  app.get('/metrics', async (context) => context.text(await metrics.text()));
  app.get('/openapi.json', (context) => context.json(openApiDocument()));
  app.route('/v1', videoRoutes(serve, shows, streams));
  app.route('/v1', aboutRoutes(serve));
  app.all('/v1/*', () => {
    throw notFound('There is no such route.');
  });
  app.route('/', await studioRoutes(studio));

  app.notFound(() => answer(notFound('There is no such page.')));
  app.onError((error, context) => {
    const refusal = refusalOf(error);
    const isOurs = refusal.status === 500 || refusal.code === 'storage_unavailable';
    // Who goes away while being read is no fault of ours.
    if (isOurs && !context.req.raw.signal.aborted) onError?.(error);
    const response = answer(refusal);
    // What the guards had set already.
    for (const [name, value] of context.res.headers) if (!response.headers.has(name)) response.headers.set(name, value);
    return response;
  });
  return { fetch: app.fetch, request: app.request, close: streams.close };
}

function tooLarge(most: number): never {
  const message = `The request is larger than ${most} bytes.`;
  throw new Refusal(413, 'request_too_large', message);
}

const answer = ({ body, status, headers }: Refusal): Response => Response.json(body, { status, headers });

function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof HTTPException)
    return new Refusal(error.status as RefusalStatus, 'invalid_request', error.message);
  if (error instanceof QuantCacheError && error.code === 'aborted')
    return new Refusal(503, 'stopping', 'The server is stopping.', { headers: { 'retry-after': '10' } });
  if (error instanceof QuantCacheError && error.code === 'io')
    return new Refusal(
      503,
      'storage_unavailable',
      'The server cannot reach what it keeps videos in. Try again later.',
      {
        headers: { 'retry-after': '10' },
      },
    );
  return new Refusal(500, 'server_error', 'Something went wrong here; the server has a note of it.');
}
