/** Requests to the server that the page came from. Refusals become `ApiError`s, whose messages are for people. */
import type { Capabilities, CreateVideo, ErrorBody, TraceDocument, Variant, Video, VideoList } from './types.ts';

/** A refusal by the server, or no answer at all. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: string;
  /** The field that was refused, where it was one. */
  readonly param: string | null;

  constructor(message: string, code: string, param: string | null = null) {
    super(message);
    this.code = code;
    this.param = param;
  }
}

/** What the server offers. */
export const getCapabilities = () => json<Capabilities>('v1/capabilities');

/** A page of videos, the newest first, after the one named. */
export function listVideos(after?: string, limit = 40): Promise<VideoList> {
  const query = new URLSearchParams({ limit: String(limit), order: 'desc', ...(after && { after }) });
  return json<VideoList>(`v1/videos?${query}`);
}

export const getVideo = (id: string) => json<Video>(`v1/videos/${id}`);

/** Puts a video in the queue. The key makes a repeated request the same one, so that a lost answer makes no second clip. */
export const createVideo = (request: CreateVideo) =>
  json<Video>('v1/videos', {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': randomKey() },
    body: JSON.stringify(request),
  });

export const cancelVideo = (id: string) => json<Video>(`v1/videos/${id}/cancel`, { method: 'POST' });
/** The same again, its first frame included. */
export const retryVideo = (id: string) => json<Video>(`v1/videos/${id}/retry`, { method: 'POST' });
export const deleteVideo = (id: string) => json<unknown>(`v1/videos/${id}`, { method: 'DELETE' });
export const getTrace = (id: string) => json<TraceDocument>(contentOf(id, 'trace'));

/** Address of one of a video's files. */
export const contentOf = (id: string, variant: Variant = 'video'): string =>
  `v1/videos/${id}/content${variant === 'video' ? '' : `?variant=${variant}`}`;

/** Trades the one-time token of the address that `quantcache serve` printed, or a key, for a cookie, which media can send. */
export async function signIn(token: string): Promise<void> {
  await json('v1/session', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token }),
  });
}

async function json<T>(path: string, init?: RequestInit): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch {
    throw new ApiError('The server does not answer. Is “quantcache serve” still running?', 'unreachable');
  }
  const body: unknown = await response.json().catch(() => undefined);
  if (response.ok) return body as T;
  const error = (body as ErrorBody | undefined)?.error;
  if (error) throw new ApiError(error.message, error.code, error.param);
  throw new ApiError(`The server answered ${response.status} ${response.statusText}.`, 'unknown');
}

/** `randomUUID` is there in secure contexts only, which a page from another machine over HTTP is not. */
function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
