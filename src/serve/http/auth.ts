/**
 * Keys: sent as a bearer token by programs, and as a cookie by the studio, whose pictures and event streams cannot send
 * headers. The cookie is made from the key, so it ends with it; what is compared is compared in constant time.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { Context, MiddlewareHandler } from 'hono';
import { getCookie, setCookie } from 'hono/cookie';
import type { RequestVariables } from './context.ts';
import { Refusal } from './refusal.ts';

/** The shortest key that is taken. */
export const leastKeyCharacters = 16;

const cookieName = 'quantcache_session';
const sessionSeconds = 30 * 24 * 3600;

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
const cookieOf = (key: string): string => createHmac('sha256', key).update('quantcache studio').digest('hex');
const ownerOf = (key: string): string => digest(key).toString('hex').slice(0, 16);

const equal = (a: string, b: string): boolean => timingSafeEqual(digest(a), digest(b));

/** Who asks where no key is needed. */
const anyone = 'local';

/** Lets in who has a key, and remembers which. */
export function keyGuard(keys: readonly string[]): MiddlewareHandler<RequestVariables> {
  return async (context, next) => {
    context.set('owner', keys.length === 0 ? anyone : ownerOf(keyOf(context, keys)));
    await next();
  };
}

function keyOf(context: Context, keys: readonly string[]): string {
  const [, bearer] = /^Bearer (.+)$/i.exec(context.req.header('authorization') ?? '') ?? [];
  const cookie = bearer === undefined ? getCookie(context, cookieName) : undefined;
  const key = keys.find((one) =>
    bearer === undefined ? cookie !== undefined && equal(cookie, cookieOf(one)) : equal(bearer, one),
  );
  if (key !== undefined) return key;
  throw new Refusal(401, 'invalid_api_key', 'Send one of the keys of this server: Authorization: Bearer KEY.');
}

/** Opens sessions of the studio: for the token in the address that `serve` printed, once, and for keys. */
export function createSessions(keys: readonly string[], token: string | undefined) {
  let unused = token;
  return (context: Context, given: unknown): void => {
    if (keys.length === 0) return;
    const text = typeof given === 'string' ? given : '';
    const isToken = unused !== undefined && equal(text, unused);
    const key = isToken ? keys[0] : keys.find((one) => equal(text, one));
    if (key === undefined) throw new Refusal(401, 'invalid_api_key', 'This token was used already, or is none.');
    if (isToken) unused = undefined;
    const secure = new URL(context.req.url).protocol === 'https:';
    const options = { httpOnly: true, sameSite: 'Strict', path: '/', maxAge: sessionSeconds, secure } as const;
    setCookie(context, cookieName, cookieOf(key), options);
  };
}
