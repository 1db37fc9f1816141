/**
 * Who may talk to the server at all. Browsers send requests that no user wanted: a page may point a name of its own at this
 * machine (the Host then is that name), and may send forms and pictures' addresses to other servers without asking them (the
 * Origin then is another one). Both are refused before anything is read, on every route and method.
 */
import type { MiddlewareHandler } from 'hono';
import { Refusal } from './refusal.ts';
import type { ServeSettings } from './settings.ts';

const ownHosts = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Refuses other hosts than the allowed ones. */
export function hostGuard({ allowHosts }: ServeSettings): MiddlewareHandler {
  const allowed = new Set(allowHosts.map((host) => host.toLowerCase()));
  return async (context, next) => {
    const host = context.req.header('host')?.toLowerCase() ?? '';
    const name = host.replace(/:\d+$/, '');
    if (!ownHosts.has(name) && !allowed.has(name) && !allowed.has(host))
      throw new Refusal(403, 'forbidden_host', 'This host name is not allowed here. Allow it with --allow-host.');
    await next();
  };
}

/** Refuses what pages of other origins send. Programs send no origin. */
export function originGuard({ allowOrigins }: ServeSettings): MiddlewareHandler {
  const allowed = new Set(allowOrigins);
  return async (context, next) => {
    const { req } = context;
    const origin = req.header('origin');
    const isAllowed = origin !== undefined && allowed.has(origin);
    const isForeign = origin !== undefined && hostOf(origin) !== req.header('host')?.toLowerCase();
    // Cross-site navigation, such as a link to the studio, shows a page and changes nothing.
    const isVisit = req.method === 'GET' && req.header('sec-fetch-mode') === 'navigate';
    const isCrossSite = req.header('sec-fetch-site') === 'cross-site' && !isVisit;
    if (!isAllowed && (isForeign || isCrossSite))
      throw new Refusal(403, 'forbidden_origin', 'Pages of other origins may not use this server (--allow-origin).');
    if (isAllowed) allowPage(context, origin);
    if (isAllowed && req.method === 'OPTIONS') return context.body(null, 204);
    await next();
  };
}

function allowPage({ header }: Parameters<MiddlewareHandler>[0], origin: string): void {
  header('access-control-allow-origin', origin);
  header('access-control-allow-headers', 'authorization, content-type, idempotency-key, last-event-id');
  header('access-control-allow-methods', 'GET, POST, DELETE');
  header('access-control-expose-headers', 'openai-poll-after-ms, retry-after, x-request-id');
  header('vary', 'origin');
}

/** `null`, as of pages in a sandbox, is of no host. */
function hostOf(origin: string): string | undefined {
  return /^https?:\/\/([^/]+)$/.exec(origin.toLowerCase())?.[1];
}

/** What browsers may do with what is sent. */
export const protectiveHeaders: MiddlewareHandler = async ({ header }, next) => {
  header('content-security-policy', policy);
  header('x-content-type-options', 'nosniff');
  header('referrer-policy', 'no-referrer');
  header('cross-origin-resource-policy', 'same-origin');
  await next();
};

const policy = [
  "default-src 'self'",
  "img-src 'self' data: blob:",
  "media-src 'self' blob:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');
