/** Keys and cookies are compared in a time that does not depend on what they have in common: by one function, and no other way. */
import { timingSafeEqual } from 'node:crypto';
import { Hono } from 'hono';
import { beforeEach, expect, test, vi } from 'vitest';
import { createSessions, keyGuard } from './auth.ts';
import type { Refusal } from './refusal.ts';

vi.mock('node:crypto', async (original) => {
  const real = await original<typeof import('node:crypto')>();
  return { ...real, timingSafeEqual: vi.fn(real.timingSafeEqual) };
});
const compared = vi.mocked(timingSafeEqual);
beforeEach(() => void compared.mockClear());

const key = 'a key of more than sixteen characters';
const app = new Hono();
const open = createSessions([key], 'token');
app.onError((error) => new Response(null, { status: (error as Refusal).status }));
app.post('/session', async (context) => {
  open(context, await context.req.text());
  return context.body(null, 204);
});
app.use('/guarded', keyGuard([key]));
app.get('/guarded', (context) => context.text('inside'));

const guarded = async (headers: Record<string, string>) => (await app.request('/guarded', { headers })).status;

test.each([
  ['the key', key, 200],
  ['all of it but the last character', key.slice(0, -1), 401],
  ['one that shares nothing and has another length', 'x', 401],
])('a bearer that is %s', async (_, bearer, status) => {
  expect(await guarded({ authorization: `Bearer ${bearer}` })).toBe(status);
  expect(compared).toHaveBeenCalledTimes(1);
  // Hashes: of one length whatever was sent.
  for (const side of compared.mock.calls[0]!) expect(side.byteLength).toBe(32);
});

test('tokens and cookies', async () => {
  const session = await app.request('/session', { method: 'POST', body: 'token' });
  expect(session.status).toBe(204);
  expect(compared).toHaveBeenCalled();
  compared.mockClear();
  const cookie = session.headers.getSetCookie()[0]!.split(';')[0]!;
  expect(cookie).not.toContain(key);
  expect(await guarded({ cookie })).toBe(200);
  expect(
    await guarded({
      cookie: `${cookie.slice(0, -1)}0` === cookie ? `${cookie.slice(0, -1)}1` : `${cookie.slice(0, -1)}0`,
    }),
  ).toBe(401);
  expect(compared).toHaveBeenCalledTimes(2);
});
