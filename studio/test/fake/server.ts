/** A server for tests of the studio: the routes of the API that the page uses, over jobs that compute nothing. */
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import type { CreateVideo, ServerEvent, VideoList } from '../../src/api/types.ts';
import { clips, previewAt } from './clips.ts';
import { createJobs, type Jobs } from './jobs.ts';
import { capabilities } from './offer.ts';

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};

/** As strict as the real one's: no inline script or style, nothing from elsewhere. */
const policy = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'";

export interface FakeServer extends AsyncDisposable {
  readonly url: string;
  readonly jobs: Jobs;
  /** Requests to the API, as `METHOD path`. */
  readonly asked: string[];
  /** Bodies of requests for new videos. */
  readonly requests: CreateVideo[];
  /** Ends all event streams, as a server does that starts anew. */
  cut(): void;
}

export interface FakeOptions {
  /** Folder of the built studio. */
  readonly studio: string;
  readonly port?: number;
  /** Milliseconds from step to step. */
  readonly pace?: number;
  /** Whether there is a history. */
  readonly seeded?: boolean;
}

export async function startFake({ studio, port = 0, pace = 60, seeded }: FakeOptions): Promise<FakeServer> {
  const jobs = createJobs({ pace, seeded });
  const asked: string[] = [];
  const requests: CreateVideo[] = [];
  const streams = new Set<() => void>();
  const server = createServer((request, response) => {
    response.setHeader('content-security-policy', policy);
    response.setHeader('x-content-type-options', 'nosniff');
    const url = new URL(request.url ?? '/', 'http://fake');
    const answer = url.pathname.startsWith('/v1/') ? api(request, response, url) : file(response, url.pathname);
    answer.catch((error: unknown) => refuse(response, 500, 'failed', String(error)));
  });

  async function file(response: ServerResponse, path: string): Promise<void> {
    const name = normalize(path === '/' ? '/index.html' : path);
    const bytes = await readFile(join(studio, name)).catch(() => undefined);
    if (!bytes) return refuse(response, 404, 'not_found', 'There is no such file.');
    response.setHeader('content-type', types[extname(name)] ?? 'application/octet-stream');
    response.end(bytes);
  }

  async function api(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    asked.push(`${request.method} ${url.pathname.replace(/video_[0-9a-f]+/, 'ID')}`);
    const [, , kind, id, action] = url.pathname.split('/');
    if (kind === 'capabilities') return send(response, capabilities);
    if (kind === 'events') return stream(response);
    if (kind !== 'videos') return refuse(response, 404, 'not_found', 'There is no such route.');
    if (id === undefined) {
      if (request.method !== 'POST') return send(response, page(url.searchParams));
      const body = JSON.parse(await textOf(request)) as CreateVideo;
      requests.push(body);
      if (body.prompt === '') return refuse(response, 400, 'invalid_value', 'A prompt is missing.');
      return send(response, jobs.add(body));
    }
    const job = jobs.all.get(id);
    if (!job) return refuse(response, 404, 'not_found', 'There is no such video.');
    if (action === 'cancel') return send(response, jobs.cancel(id));
    if (action === 'retry') return send(response, jobs.add(job.video.quantcache.request));
    if (action === 'preview') return bytes(response, previewAt(Number(url.searchParams.get('step'))), 'image/webp');
    if (action === 'content') {
      const variant = url.searchParams.get('variant') ?? 'video';
      if (variant === 'trace') return send(response, job.clip.trace);
      if (variant === 'thumbnail') return bytes(response, job.clip.thumbnail, 'image/webp');
      return bytes(response, job.clip.video, 'video/mp4');
    }
    if (request.method !== 'DELETE') return send(response, job.video);
    jobs.remove(id);
    send(response, { id, object: 'video.deleted', deleted: true });
  }

  function page(query: URLSearchParams): VideoList {
    const videos = [...jobs.all.values()].map(({ video }) => video).sort((a, b) => b.created_at - a.created_at);
    const start = videos.findIndex(({ id }) => id === query.get('after')) + 1;
    const data = videos.slice(start, start + Number(query.get('limit') ?? 20));
    const has_more = start + data.length < videos.length;
    return { object: 'list', data, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null, has_more };
  }

  function stream(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    const tell = (event: ServerEvent) => response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
    const active = [...jobs.all.values()].map(({ video }) => video).filter(({ completed_at }) => completed_at === null);
    tell({ type: 'snapshot', videos: active });
    const unsubscribe = jobs.subscribe(tell);
    const end = () => {
      unsubscribe();
      streams.delete(end);
      response.end();
    };
    streams.add(end);
    response.on('close', end);
  }

  await new Promise<void>((done) => server.listen(port, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    jobs,
    asked,
    requests,
    cut() {
      for (const end of streams) end();
    },
    async [Symbol.asyncDispose]() {
      jobs.close();
      await closed(server);
    },
  };
}

/** How many clips the history has at the start. */
export const seededClips = clips.length;

function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((done) => server.close(() => done()));
}

function send(response: ServerResponse, body: unknown): void {
  bytes(response, Buffer.from(JSON.stringify(body)), 'application/json');
}

function bytes(response: ServerResponse, body: Buffer, type: string): void {
  response.setHeader('content-type', type);
  response.end(body);
}

function refuse(response: ServerResponse, status: number, code: string, message: string): void {
  response.statusCode = status;
  send(response, { error: { message, type: 'invalid_request_error', param: null, code } });
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
