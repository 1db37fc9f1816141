/** A page of another origin in a real browser: what it sends must do nothing. Skipped where no Chromium is installed. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, describe, expect, test } from 'vitest';
import type { VideoList } from '../../src/serve/api.ts';
import { browserPath, noBrowser, openBrowser } from '../../studio/test/browser.ts';
import { startTestServer } from './start.ts';

describe.skipIf(!browserPath)(`a page of elsewhere${browserPath ? '' : ` (skipped: ${noBrowser})`}`, async () => {
  if (!browserPath) return;
  const server = await startTestServer();
  const page = createServer((_, response) => {
    response.setHeader('content-type', 'text/html');
    response.end('<title>elsewhere</title><iframe name="answer"></iframe>');
  });
  await new Promise<void>((done) => page.listen(0, '127.0.0.1', done));
  const { port } = page.address() as AddressInfo;
  const browser = await openBrowser();
  afterAll(async () => {
    await browser.close();
    page.close();
  });
  const count = async () => (await server.json<VideoList>('/v1/videos')).body.data.length;

  // Another port of this machine is another origin of the same site; localhost and 127.0.0.1 are two sites.
  test.each(['127.0.0.1', 'localhost'])('queues nothing and reads nothing from %s', async (host) => {
    const tab = await browser.newPage();
    await tab.goto(`http://${host}:${port}/`);
    const sent = tab.waitForResponse((response) => response.url().startsWith(server.url));
    // A form needs no leave of the server that it is sent to.
    await tab.evaluate((action) => {
      const form = document.createElement('form');
      Object.assign(form, { action, method: 'post', enctype: 'multipart/form-data', target: 'answer' });
      const prompt = document.createElement('input');
      Object.assign(prompt, { name: 'prompt', value: 'a star that nobody asked for' });
      form.append(prompt);
      document.body.append(form);
      form.submit();
    }, `${server.url}/v1/videos`);
    expect((await sent).status()).toBe(403);
    const read = await tab.evaluate(async (url) => {
      const body = new FormData();
      body.append('prompt', 'a star that nobody asked for');
      await fetch(`${url}/v1/videos`, { method: 'POST', mode: 'no-cors', body }).catch(() => undefined);
      return fetch(`${url}/v1/videos`).then(
        () => true,
        () => false,
      );
    }, server.url);
    expect(read).toBe(false);
    expect(await count()).toBe(0);
    await tab.close();
  });
});
