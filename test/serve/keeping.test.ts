/** A server removes the files that it is not to keep, and says where it can keep none. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { newFolder, prompt, startTestServer } from './start.ts';

test('files that are too old go when the server starts, and their video says so', async () => {
  const data = newFolder();
  const first = await startTestServer({ data });
  const { id } = await first.create({ prompt });
  expect((await first.ended(id)).expires_at).toBeNull();
  await first.stop();
  const second = await startTestServer({ data, settings: { keep: { milliseconds: 1 } } });
  const content = `${second.url}/v1/videos/${id}/content`;
  while ((await fetch(content)).status !== 410) await new Promise((tick) => setTimeout(tick, 20)); // or the test's time is over
  const video = await second.ended(id);
  expect(video).toMatchObject({ status: 'completed', expires_at: expect.any(Number), quantcache: { variants: [] } });
});

test('where nothing can be kept a request is to be sent again later', async () => {
  const server = await startTestServer({ tell: () => {} });
  rmSync(join(server.data, 'jobs'), { recursive: true });
  writeFileSync(join(server.data, 'jobs'), 'no folder');
  const { status, headers, body } = await server.json<object>('/v1/videos', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ prompt }),
  });
  expect([status, headers.get('retry-after')]).toEqual([503, '10']);
  expect(body).toMatchObject({ error: { type: 'server_error', code: 'storage_unavailable' } });
  expect(JSON.stringify(body)).not.toContain(server.data);
});
