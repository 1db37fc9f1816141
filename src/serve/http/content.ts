/** The files of a job over HTTP: whole or in ranges, with the hash of the clip for an ETag. */
import { createReadStream } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { extname, join, sep } from 'node:path';
import { Readable } from 'node:stream';
import type { Context } from 'hono';
import { systemCode } from '../../files/failure.ts';
import { type Variant, variants } from '../api.ts';
import { previewFile } from '../engine/messages.ts';
import type { Job } from '../job.ts';
import { videoIdOf } from '../video.ts';
import type { ServeContext } from './context.ts';
import { conflict, notFound, Refusal } from './refusal.ts';

const types: Readonly<Record<string, string>> = {
  '.mp4': 'video/mp4',
  '.webm': 'video/webm',
  '.gif': 'image/gif',
  '.webp': 'image/webp',
  '.png': 'image/png',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
};

/** Answers with a file of a completed job. Throws a refusal where there is none. */
export async function contentOf(context: Context, serve: ServeContext, job: Job): Promise<Response> {
  const variant = (context.req.query('variant') ?? 'video') as Variant;
  if (!variants.includes(variant))
    throw new Refusal(400, 'invalid_value', `Variants are ${variants.join(', ')}.`, { param: 'variant' });
  if (job.state === 'queued' || job.state === 'in_progress')
    throw conflict('video_not_ready', 'The video is not ready yet; ask again when its status is completed.');
  if (job.state === 'failed') throw conflict('video_failed', 'The video was not made; its error says why.');
  if (job.expiredAt !== undefined)
    throw new Refusal(410, 'expired', 'The files of this video were removed; its settings make them again.');
  const name = job.result?.files[variant];
  if (name === undefined)
    throw notFound(`This video has no ${variant}.${variant === 'trace' ? ' Ask for one with quantcache[trace].' : ''}`);
  const download = variant === 'video' ? `${videoIdOf(job.id)}${extname(name)}` : undefined;
  const etag = variant === 'video' ? `"${job.result!.sha256}"` : `"${job.id}-${job.attempt}-${variant}"`;
  return await sendFile(context, await pathOf(serve, job, name), { etag, download });
}

/** Answers with the newest preview of a job that runs. */
export async function previewOf(context: Context, serve: ServeContext, job: Job): Promise<Response> {
  const path = await pathOf(serve, job, previewFile(job.attempt)).catch(() => undefined);
  if (path === undefined) throw notFound('There is no preview of this video.');
  context.header('cache-control', 'no-store');
  return await sendFile(context, path, {});
}

/** A file in a job's folder; links that lead out of it are none. */
async function pathOf({ queue }: ServeContext, job: Job, name: string): Promise<string> {
  try {
    const folder = await realpath(queue.folderOf(job.id));
    const path = await realpath(join(folder, name));
    if (path.startsWith(folder + sep)) return path;
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
  }
  throw notFound('The file of this video is gone.');
}

interface FileAnswer {
  readonly etag?: string;
  /** The name that browsers save it under. */
  readonly download?: string;
}

async function sendFile(context: Context, path: string, { etag, download }: FileAnswer): Promise<Response> {
  const { size } = await stat(path);
  context.header('content-type', types[extname(path)] ?? 'application/octet-stream');
  context.header('accept-ranges', 'bytes');
  if (etag) {
    context.header('etag', etag);
    context.header('cache-control', 'private, no-cache');
    if (context.req.header('if-none-match') === etag) return context.body(null, 304);
  }
  if (download) context.header('content-disposition', `inline; filename="${download}"`);
  // A picture of ours in an SVG needs no script.
  if (path.endsWith('.svg')) context.header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'");
  const isSame = !context.req.header('if-range') || context.req.header('if-range') === etag;
  const range = isSame ? rangeOf(context.req.header('range'), size) : undefined;
  const { start, end } = range ?? { start: 0, end: size - 1 };
  if (range) context.header('content-range', `bytes ${start}-${end}/${size}`);
  context.header('content-length', String(end - start + 1));
  if (context.req.method === 'HEAD') return context.body(null, range ? 206 : 200);
  const bytes = Readable.toWeb(createReadStream(path, { start, end })) as ReadableStream;
  return context.body(bytes, range ? 206 : 200);
}

/** The one range that is asked for; undefined for the whole file. */
function rangeOf(header: string | undefined, size: number): { start: number; end: number } | undefined {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? [];
  if (first === undefined || last === undefined || (first === '' && last === '')) return undefined;
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (start > end)
    throw new Refusal(416, 'invalid_range', `The file has ${size} bytes.`, {
      headers: { 'content-range': `bytes */${size}` },
    });
  return { start, end };
}
