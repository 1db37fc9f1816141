/** A server removes the files that it is not to keep. */
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
