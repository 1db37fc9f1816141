/** The rules of docs/serving.md about security: each test fails where its rule is taken away. */
import { mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ErrorBody, Video } from '../../src/serve/api.ts';
import { createApp } from '../../src/serve/http/app.ts';
import { defaultSettings } from '../../src/serve/http/settings.ts';
import type { JobQueue } from '../../src/serve/queue.ts';
import { newFolder, prompt, startTestServer } from './start.ts';

const key = 'a key of more than sixteen characters';
const open = await startTestServer({ settings: { createsPerMinute: 1000 } });

/** As `fetch`, with headers that `fetch` does not let anybody set. */
function ask(url: string, headers: Record<string, string>, method = 'GET'): Promise<{ status: number; code: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers }, (answer) => {
      let text = '';
      answer.on('data', (chunk) => {
        text += chunk;
      });
      answer.on('end', () => {
        const code = text.startsWith('{') ? (JSON.parse(text) as Partial<ErrorBody>).error?.code : undefined;
        resolve({ status: answer.statusCode!, code: code ?? '' });
      });
    });
    sent.on('error', reject).end();
  });
}

describe('who may ask', () => {
  test.each(['evil.example', 'evil.example:8000', '127.0.0.1.evil.example'])('not as host %j', async (host) => {
    for (const path of ['/v1/videos', '/healthz', '/'])
      expect(await ask(open.url + path, { host })).toEqual({ status: 403, code: 'forbidden_host' });
  });

  test('as hosts that were allowed', async () => {
    const server = await startTestServer({ settings: { allowHosts: ['clips.example.org'] } });
    for (const host of ['clips.example.org', 'Clips.Example.org:443', 'localhost', '[::1]:8000'])
      expect((await ask(`${server.url}/v1/videos`, { host })).status).toBe(200);
  });

  test.each<Record<string, string>>([
    { origin: 'http://evil.example' },
    { origin: 'http://127.0.0.1:1' },
    { origin: 'null' },
    { 'sec-fetch-site': 'cross-site' },
  ])('no page of another origin: %j', async (headers) => {
    for (const method of ['GET', 'POST', 'DELETE', 'OPTIONS'])
      expect(await ask(`${open.url}/v1/videos`, headers, method)).toEqual({ status: 403, code: 'forbidden_origin' });
  });

  test('pages of the server itself, and those that were allowed', async () => {
    expect((await ask(`${open.url}/v1/videos`, { origin: open.url, 'sec-fetch-site': 'same-origin' })).status).toBe(
      200,
    );
    const server = await startTestServer({ settings: { allowOrigins: ['https://page.example'] } });
    const answer = await fetch(`${server.url}/v1/videos`, { headers: { origin: 'https://page.example' } });
    expect(answer.headers.get('access-control-allow-origin')).toBe('https://page.example');
  });

  test('nobody from elsewhere without a key, and no key that can be guessed', async () => {
    for (const host of ['0.0.0.0', '::'])
      await expect(startTestServer({ host })).rejects.toThrow('would let anybody who reaches this machine use it');
    await expect(startTestServer({ settings: { keys: ['short'] } })).rejects.toThrow('shorter than 16 characters');
  });

  test('with a key, only who has it', async () => {
    const server = await startTestServer({ settings: { keys: [key] } });
    const status = (path: string, headers: Record<string, string> = {}) =>
      fetch(server.url + path, { headers }).then((answer) => answer.status);
    for (const path of ['/v1/videos', '/v1/capabilities', '/v1/events', '/metrics', '/openapi.json', '/v1/none'])
      expect(await status(path)).toBe(401);
    expect(await status('/v1/videos', { authorization: 'Bearer another key of such a length' })).toBe(401);
    expect(await status('/v1/videos', { authorization: `Bearer ${key}` })).toBe(200);
    expect(await status('/healthz')).toBe(200);
    // A cookie does not stand in for a wrong key.
    const token = new URL(server.studioUrl).hash.replace('#token=', '');
    const session = (text: string) =>
      fetch(`${server.url}/v1/session`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ token: text }),
      });
    const opened = await session(token);
    const [setCookie = ''] = opened.headers.getSetCookie();
    expect(setCookie).toMatch(/HttpOnly; SameSite=Strict/);
    const cookie = setCookie.split(';')[0]!;
    expect(await status('/v1/videos', { cookie })).toBe(200);
    expect(await status('/v1/videos', { cookie, authorization: 'Bearer wrong' })).toBe(401);
    expect((await session(token)).status).toBe(401); // once
    expect((await session(key)).status).toBe(204);
  });
});

/** The first bytes of a PNG that says it has a size. */
function png(width: number, height: number): Uint8Array<ArrayBuffer> {
  const bytes = Buffer.alloc(33);
  bytes.write('\x89PNG\r\n\x1a\n', 'latin1');
  bytes.writeUInt32BE(13, 8);
  bytes.write('IHDR', 12);
  bytes.writeUInt32BE(width, 16);
  bytes.writeUInt32BE(height, 20);
  return new Uint8Array(bytes);
}

async function upload(bytes: Uint8Array<ArrayBuffer> | string, name = 'picture.png') {
  const body = new FormData();
  body.append('prompt', prompt);
  body.append('input_reference', new Blob([bytes]), name);
  return await open.json<Video & ErrorBody>('/v1/videos', { method: 'POST', body });
}

describe('what may be sent', () => {
  test('no file name of a client is used', async () => {
    const { body } = await upload(png(64, 64), '../../../../escape.png');
    await open.ended(body.id);
    expect(readdirSync(join(open.data, 'jobs', body.id.slice(6)))).toContain('reference.png');
    expect(readdirSync(open.data).sort()).toEqual(['jobs', 'lock']);
  });

  test('no picture that is none, or that would fill the memory', async () => {
    expect((await upload('MZ this is a program')).body.error.code).toBe('invalid_image');
    expect((await upload('<svg xmlns="http://www.w3.org/2000/svg"/>')).body.error.code).toBe('invalid_image');
    expect((await upload(png(30_000, 30_000))).body.error.code).toBe('invalid_image');
    expect((await upload(png(0, 64))).body.error.code).toBe('invalid_image');
  });

  test('no two files, and none but the picture', async () => {
    const refusal = async (...names: string[]) => {
      const body = new FormData();
      body.append('prompt', prompt);
      for (const name of names) body.append(name, new Blob([png(64, 64)]), 'picture.png');
      return (await open.json<ErrorBody>('/v1/videos', { method: 'POST', body })).body.error;
    };
    expect(await refusal('input_reference', 'input_reference')).toMatchObject({ message: 'Send one file at most.' });
    expect(await refusal('model')).toMatchObject({ code: 'invalid_value', param: 'model' });
  });

  test('no model and no policy but those of the server', async () => {
    for (const model of ['https://example.org/model', '/etc', '../demo', 'hpcai-tech/OpenSora-STDiT-v3']) {
      const refused = (await open.create({ model })) as unknown as ErrorBody;
      expect(refused.error.code).toBe('model_not_found');
    }
    const policy = (await open.create({ quantcache: { policy: '/tmp/policy.mjs' } })) as unknown as ErrorBody;
    expect(policy.error.code).toBe('invalid_option');
  });

  test('nobody is called back', async () => {
    let called = 0;
    const listening = createServer((_, response) => {
      called++;
      response.end();
    }).listen(0, '127.0.0.1');
    await new Promise((done) => listening.once('listening', done));
    const url = `http://127.0.0.1:${(listening.address() as AddressInfo).port}/`;
    const video = await open.create({ callback_url: url, webhook_url: url, quantcache: {} });
    expect(video.quantcache.warnings.join()).toContain('"callback_url" is not known');
    expect((await open.ended(video.id)).status).toBe('completed');
    expect(called).toBe(0);
    listening.close();
  });

  test('no request that never ends', async () => {
    const told: string[] = [];
    const tell = (message: string) => void told.push(message);
    const server = await startTestServer({ settings: { bodyPatience: 300 }, tell });
    const { port } = new URL(server.url);
    const began = performance.now();
    const answer = await new Promise<string>((done) => {
      let text = '';
      const socket = connect(Number(port), '127.0.0.1', () =>
        socket.write(
          'POST /v1/videos HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{',
        ),
      );
      socket.on('data', (chunk) => {
        text += chunk;
      });
      socket.on('close', () => done(text));
    });
    expect(answer).toContain('408 Request Timeout');
    expect(told).toEqual([]);
    expect(performance.now() - began).toBeLessThan(5000);
  });

  test('no body above the limit, whatever it says of its length', async () => {
    const { status, body } = await upload(new Uint8Array(21 * 2 ** 20));
    expect([status, body.error.code]).toEqual([413, 'request_too_large']);
    // In pieces, without a length; read by hand, because a client may be told while it still sends.
    const answer = await new Promise<number>((resolve, reject) => {
      const headers = { 'content-type': 'application/json', 'transfer-encoding': 'chunked' };
      const sent = request(`${open.url}/v1/videos`, { method: 'POST', headers }, ({ statusCode }) =>
        resolve(statusCode!),
      );
      sent.on('error', reject);
      for (let i = 0; i < 21; i++) sent.write(Buffer.alloc(2 ** 20, ' '));
      sent.end();
    });
    expect(answer).toBe(413);
  });

  test.each(['http://127.0.0.1:1/x.png', 'https://example.org/x.png', 'file:///etc/passwd', '/etc/passwd'])(
    'no address for the server to fetch: %s',
    async (image_url) => {
      for (const field of ['input_reference', 'image_reference']) {
        const refused = (await open.create({ [field]: { image_url } })) as unknown as ErrorBody;
        expect(refused.error).toMatchObject({ code: 'unsupported_url', param: field });
      }
      const file = (await open.create({ input_reference: { file_id: 'file_1' } })) as unknown as ErrorBody;
      expect(file.error.code).toBe('unsupported_parameter');
    },
  );
});

describe('what may be read', () => {
  test.each(['..%2f..%2fetc', 'video_..', `video_${'A'.repeat(32)}`, `video_${'0'.repeat(32)}`])(
    'no id but those of videos: %s',
    async (id) => {
      for (const path of [`/v1/videos/${id}`, `/v1/videos/${id}/content`, `/v1/videos/${id}/preview`])
        expect((await ask(open.url + path, {})).status).toBe(404);
    },
  );

  test('no file that a link in the folder leads to', async () => {
    const { id } = await open.create({ prompt: 'slow' });
    const folder = join(open.data, 'jobs', id.slice(6));
    const secret = join(newFolder(), '..', 'secret');
    writeFileSync(secret, 'secret');
    while (!(await open.json<Video>(`/v1/videos/${id}`)).body.quantcache.step)
      await new Promise((r) => setTimeout(r, 10));
    symlinkSync(secret, join(folder, '1.preview.png'));
    expect((await ask(`${open.url}/v1/videos/${id}/preview`, {})).status).toBe(404);
  });

  test('no file of the studio that lies outside of it', async () => {
    const studio = newFolder();
    mkdirSync(studio, { recursive: true });
    writeFileSync(join(studio, 'index.html'), '<p>studio</p>');
    writeFileSync(join(studio, '..', 'outside.txt'), 'secret');
    const server = await startTestServer({ studio });
    expect((await ask(`${server.url}/`, {})).status).toBe(200);
    for (const path of ['/../outside.txt', '/%2e%2e/outside.txt', '/..%2foutside.txt'])
      expect((await ask(server.url + path, {})).status).toBe(404);
  });

  test('nothing in folders that others may enter', async () => {
    expect(statSync(join(open.data, 'jobs')).mode & 0o077).toBe(0);
  });
});

describe('how much may be asked for', () => {
  test('what is allowed where nobody says', () => {
    expect(defaultSettings).toMatchObject({
      maxQueue: 100,
      maxWaitingOfKey: 10,
      createsPerMinute: 60,
      maxStreams: 20,
      maxUploadBytes: 20 * 2 ** 20,
      bodyPatience: 30_000,
    });
  });

  test('no clip of more pixels than the model may be asked for, all loops together', async () => {
    const fields = { size: '1024x1024', num_frames: 17 };
    const refused = async (more: object) => ((await open.create({ ...fields, ...more })) as unknown as ErrorBody).error;
    expect(await refused({})).toMatchObject({ code: 'unsupported_size', param: 'size' });
    const loops = { size: '128x128', quantcache: { loops: 10 } };
    expect(await refused(loops)).toMatchObject({ code: 'unsupported_size', param: 'size' });
  });

  test('no more jobs wait than may, of all and of one key', async () => {
    const other = 'another key of more than sixteen';
    const settings = { keys: [key, other], maxQueue: 3, maxWaitingOfKey: 2, createsPerMinute: 1000 };
    const server = await startTestServer({ settings });
    const create = (bearer: string) =>
      server.json<ErrorBody>('/v1/videos', {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${bearer}` },
        body: JSON.stringify({ prompt: 'slow' }),
      });
    const statuses = [];
    for (const bearer of [key, key, key, key, other, other]) statuses.push((await create(bearer)).status);
    // One runs; two of the first key and one of the other wait.
    expect(statuses).toEqual([200, 200, 200, 429, 200, 429]);
    expect((await create(other)).headers.get('retry-after')).toBe('10');
  });

  test('no more new videos in a minute than may be', async () => {
    const server = await startTestServer({ settings: { createsPerMinute: 2 } });
    await server.create({});
    await server.create({});
    expect(((await server.create({})) as unknown as ErrorBody).error.code).toBe('rate_limited');
  });

  test('no more streams than may be open', async () => {
    const server = await startTestServer({ settings: { maxStreams: 1 } });
    const stopping = new AbortController();
    await fetch(`${server.url}/v1/events`, { signal: stopping.signal });
    expect((await ask(`${server.url}/v1/events`, {})).status).toBe(429);
    stopping.abort();
  });
});

test('pages run no scripts of others, are shown in no frame, and files are what they say', async () => {
  const { headers } = await fetch(`${open.url}/v1/videos`);
  expect(headers.get('content-security-policy')).toMatch(/default-src 'self'.*frame-ancestors 'none'/);
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  expect(headers.get('x-request-id')).toMatch(/^[\w-]{36}$/);
  const { id } = await open.ended((await open.create({})).id);
  const map = await fetch(`${open.url}/v1/videos/${id}/content?variant=decision_map`);
  expect(map.headers.get('content-type')).toBe('image/svg+xml');
  expect(map.headers.get('content-security-policy')).toMatch(/^default-src 'none'/);
});

test('what goes wrong within is said to those who watch the server, not to who asks', async () => {
  const told: string[] = [];
  const app = await createApp(
    {
      queue: {
        subscribe: () => () => undefined,
        list: () => Promise.reject(new Error('no space left in /srv/secret')),
      } as unknown as JobQueue,
      offer: () => Promise.reject(new Error('unused')),
      isReady: () => true,
      settings: defaultSettings,
      crashes: () => 0,
    },
    { studio: newFolder(), onError: (error) => told.push(String(error)) },
  );
  const answer = await app.request('/v1/videos', { headers: { host: 'localhost' } });
  const text = await answer.text();
  expect([answer.status, JSON.parse(text).error.code]).toEqual([500, 'server_error']);
  expect(text).not.toMatch(/secret|at /);
  expect(told.join()).toContain('/srv/secret');
  app.close();
});
