/**
 * OpenAI's own client against the server. It is no dependency: `.ci/run` installs it into a folder of its own and names that in
 * QUANTCACHE_TEST_CLIENTS.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { prompt, startTestServer } from './start.ts';

const clients = process.env.QUANTCACHE_TEST_CLIENTS;

// What of the client is used here; its types are where it is installed.
interface Video {
  readonly id: string;
  readonly status: string;
  readonly progress: number;
  readonly remixed_from_video_id: string | null;
}
interface Videos {
  create(body: object): Promise<Video>;
  retrieve(id: string): Promise<Video>;
  list(query?: object): Promise<{ data: Video[] }> & AsyncIterable<Video>;
  delete(id: string): Promise<{ deleted: boolean }>;
  remix(id: string, body: object): Promise<Video>;
  downloadContent(id: string, query?: object): Promise<Response>;
}
type Client = new (options: object) => { readonly videos: Videos };

describe.skipIf(!clients)('openai (set QUANTCACHE_TEST_CLIENTS to a folder that it is installed in)', async () => {
  if (!clients) return;
  const entry = createRequire(join(clients, 'package.json')).resolve('openai');
  const { default: OpenAI } = (await import(pathToFileURL(entry).href)) as { default: Client };
  const apiKey = 'a key of more than sixteen characters';
  const server = await startTestServer({ settings: { keys: [apiKey], createsPerMinute: 1000, maxWaitingOfKey: 100 } });
  const { videos } = new OpenAI({ apiKey, baseURL: `${server.url}/v1` });
  const fields = { prompt, model: 'demo', seconds: '2', size: '64x64' };

  async function made(video: Video): Promise<Video> {
    for (let now = video; ; now = await videos.retrieve(video.id))
      if (now.status === 'completed' || now.status === 'failed') return now;
  }

  test('creates, polls and downloads', async () => {
    const video = await made(await videos.create({ ...fields, quantcache: { profile: 'fast', trace: true } }));
    expect(video).toMatchObject({ status: 'completed', progress: 100, quantcache: { profile: 'balanced' } });
    expect(await (await videos.downloadContent(video.id)).text()).toContain(prompt);
    expect((await videos.downloadContent(video.id, { variant: 'thumbnail' })).status).toBe(200);
  });

  test('sends a picture', async () => {
    const bytes = Buffer.from(
      'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGD4DwABBAEAX+XDSwAAAABJRU5ErkJggg==',
      'base64',
    );
    const input_reference = new File([new Uint8Array(bytes)], 'picture.png', { type: 'image/png' });
    expect(await videos.create({ ...fields, input_reference })).toMatchObject({
      quantcache: { has_input_reference: true },
    });
  });

  test('lists all pages, remixes and deletes', async () => {
    const first = await videos.create(fields);
    await videos.create(fields);
    const remix = await videos.remix(first.id, { prompt: 'a blue star' });
    expect(remix.remixed_from_video_id).toBe(first.id);
    const ids: string[] = [];
    for await (const { id } of videos.list({ limit: 2 })) ids.push(id);
    expect(ids).toEqual(expect.arrayContaining([first.id, remix.id]));
    expect(new Set(ids).size).toBe(ids.length);
    expect((await videos.delete(first.id)).deleted).toBe(true);
  });

  test('knows what is wrong', async () => {
    await expect(videos.create({ ...fields, size: '1x1' })).rejects.toMatchObject({ status: 400, param: 'size' });
    await expect(videos.create({ ...fields, model: 'none' })).rejects.toMatchObject({ status: 404 });
    await expect(videos.retrieve(`video_${'0'.repeat(32)}`)).rejects.toMatchObject({ status: 404, code: 'not_found' });
    const { id } = await videos.create({ ...fields, prompt: 'slow' });
    await expect(videos.downloadContent(id)).rejects.toMatchObject({ status: 409, code: 'video_not_ready' });
    const stranger = new OpenAI({ apiKey: 'a wrong key', baseURL: `${server.url}/v1` });
    await expect(stranger.videos.list()).rejects.toMatchObject({ status: 401, code: 'invalid_api_key' });
  });
});
