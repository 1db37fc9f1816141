/**
 * `quantcache/ai-sdk` against the server: as the SDK calls it, and, where QUANTCACHE_TEST_CLIENTS names a folder with the package
 * `ai`, by the SDK itself.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createQuantCache } from '../../src/api/ai-sdk.ts';
import type { VideoList } from '../../src/serve/api.ts';
import { prompt, startTestServer } from './start.ts';

const apiKey = 'a key of more than sixteen characters';
const server = await startTestServer({ settings: { keys: [apiKey], createsPerMinute: 1000 } });
const baseURL = `${server.url}/v1`;
const model = createQuantCache({ baseURL, apiKey }).video('demo');
const pixel = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGD4DwABBAEAX+XDSwAAAABJRU5ErkJggg==',
  'base64',
);
const list = async () =>
  ((await (await fetch(`${baseURL}/videos`, { headers: { authorization: `Bearer ${apiKey}` } })).json()) as VideoList)
    .data;

describe('as the SDK calls it', () => {
  test('a video is made of everything that the SDK can say', async () => {
    const { videos, warnings, providerMetadata, response } = await model.doGenerate({
      prompt,
      resolution: '128x64',
      duration: 2,
      fps: 10,
      seed: 7,
      frameImages: [{ frameType: 'first_frame', image: { type: 'file', mediaType: 'image/png', data: pixel } }],
      providerOptions: { quantcache: { profile: 'fast', output_format: 'webp', num_inference_steps: 12 }, other: {} },
    });
    expect(videos).toHaveLength(1);
    expect(Buffer.from(videos[0]!.data).toString()).toContain(`clip of ${prompt} by seed 7`);
    expect(videos[0]!.mediaType).toBe('image/webp');
    expect(warnings).toEqual([]);
    expect(response).toMatchObject({ modelId: 'demo', timestamp: expect.any(Date) });
    expect(providerMetadata.quantcache).toMatchObject({ seed: 7, num_frames: 34, has_input_reference: true });
    const [video] = await list();
    expect(video!.quantcache.request).toMatchObject({
      ...{ width: 128, height: 64, num_inference_steps: 12, fps: 10 },
      quantcache: { profile: 'fast', output_format: 'webp' },
    });
  });

  test('what cannot be done is warned of', async () => {
    const image = { type: 'file', mediaType: 'image/png', data: pixel } as const;
    const { warnings } = await model.doGenerate({
      prompt,
      aspectRatio: '16:9',
      generateAudio: true,
      inputReferences: [image],
      frameImages: [{ frameType: 'last_frame', image }],
    });
    expect(warnings.map((warning) => 'feature' in warning && warning.feature)).toEqual([
      'aspectRatio',
      'generateAudio',
      'inputReferences',
      'frameImages',
    ]);
  });

  test('what nobody waits for any more is cancelled', async () => {
    const stopping = new AbortController();
    const made = model.doGenerate({ prompt: 'slow', abortSignal: stopping.signal });
    const ended = expect(made).rejects.toMatchObject({ name: 'AbortError' });
    await expect.poll(async () => (await list())[0]?.status).toBe('in_progress');
    stopping.abort();
    await ended;
    expect((await list())[0]).toMatchObject({ prompt: 'slow', error: { code: 'cancelled' } });
  });

  test('errors say what the server says', async () => {
    await expect(model.doGenerate({ prompt, resolution: '1x1' })).rejects.toMatchObject({
      code: 'invalid_option',
      message: expect.stringContaining('too small'),
    });
    await expect(model.doGenerate({ prompt: 'fail' })).rejects.toThrow('The latents hold NaN');
    const stranger = createQuantCache({ baseURL }).video('demo');
    await expect(stranger.doGenerate({ prompt })).rejects.toThrow('keys of this server');
    const nowhere = createQuantCache({ baseURL: 'http://127.0.0.1:1/v1' }).video('demo');
    await expect(nowhere.doGenerate({ prompt })).rejects.toMatchObject({ code: 'network' });
    const old = model.doGenerate({ prompt, headers: { 'user-agent': 'ai/6.0.1 runtime/node.js/20' } });
    await expect(old).rejects.toThrow('needs version 7 of the package ai, not 6');
  });
});

const clients = process.env.QUANTCACHE_TEST_CLIENTS;
const isThere = clients !== undefined && existsSync(join(clients, 'node_modules/ai'));

// In a process of its own: the conditions by which tests find our sources would find those of others, too.
test.skipIf(!isThere)('by the SDK itself (set QUANTCACHE_TEST_CLIENTS to a folder with ai 7)', async () => {
  const program = resolve('test/serve/clients/ai-sdk.mjs');
  const child = spawn(process.execPath, [program, baseURL, apiKey], { cwd: clients });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      said += chunk;
    });
  const code = await new Promise((done) => child.once('exit', done));
  expect([code, said]).toEqual([0, '']);
});
