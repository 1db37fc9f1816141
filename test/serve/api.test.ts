/** The HTTP API as clients meet it, with an engine that pretends. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Capabilities, ErrorBody, ServerEvent, Video, VideoList } from '../../src/serve/api.ts';
import type { Job } from '../../src/serve/job.ts';
import { prompt, startTestServer } from './start.ts';

const server = await startTestServer({ settings: { createsPerMinute: 1000, aliases: new Map([['sora-2', 'demo']]) } });
const form = (fields: Record<string, string>, file?: Blob): RequestInit => {
  const body = new FormData();
  for (const [name, value] of Object.entries(fields)) body.append(name, value);
  if (file) body.append('input_reference', file, '../../escape.png');
  return { method: 'POST', body };
};
const json = (fields: object, headers: Record<string, string> = {}): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(fields),
});

/** Events of a stream until one of a type. */
async function eventsUntil(path: string, type: string, headers: Record<string, string> = {}) {
  const stopping = new AbortController();
  const { body } = await fetch(server.url + path, { headers, signal: stopping.signal });
  const events: { id: string | undefined; event: ServerEvent }[] = [];
  let text = '';
  for await (const chunk of body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const whole = text.split('\n\n');
    text = whole.pop()!;
    for (const message of whole) {
      const data = /^data: (.*)$/m.exec(message)?.[1];
      if (data) events.push({ id: /^id: (.+)$/m.exec(message)?.[1], event: JSON.parse(data) as ServerEvent });
    }
    if (events.some(({ event }) => event.type === type)) break;
  }
  stopping.abort();
  return events;
}

describe('making a video', () => {
  test('a form and JSON say the same', async () => {
    const asked = {
      prompt,
      size: '128x64',
      seconds: 2,
      seed: 7,
      quantcache: { profile: 'fast', trace: true, priority: 3 },
    };
    const { body: fromJson } = await server.json<Video>('/v1/videos', json(asked));
    const fields = { prompt, size: '128x64', seconds: '2', seed: '7', 'quantcache[profile]': 'fast' };
    const more = { 'quantcache[trace]': 'true', 'quantcache[priority]': '3' };
    const { body: fromForm } = await server.json<Video>('/v1/videos', form({ ...fields, ...more }));
    const { request, ...details } = fromJson.quantcache;
    expect(fromForm.quantcache.request).toEqual(request);
    expect(fromJson).toMatchObject({ object: 'video', model: 'demo', size: '128x64', seconds: '2.125', prompt });
    expect(details).toMatchObject({ seed: 7, num_frames: 17, profile: 'fast', priority: 3 });
    expect(request.quantcache).toMatchObject({ trace: true });
    for (const { id } of [fromJson, fromForm]) await server.ended(id);
  });

  test('"false" of a form is false', async () => {
    const { body } = await server.json<Video>('/v1/videos', form({ prompt, 'quantcache[trace]': 'false' }));
    expect(body.quantcache.request.quantcache?.trace).toBeUndefined();
  });

  test('the settings of a video make it again', async () => {
    const first = await server.ended((await server.create({ quantcache: { precision: 'w8a8' } })).id);
    const second = await server.ended((await server.create(first.quantcache.request)).id);
    expect(second.quantcache.request).toEqual(first.quantcache.request);
    const bytes = await Promise.all(
      [first, second].map(async ({ id }) => (await fetch(`${server.url}/v1/videos/${id}/content`)).text()),
    );
    expect(bytes[0]).toBe(bytes[1]);
  });

  test('without a seed one is drawn; seconds become whole parts of the model', async () => {
    const [one, two] = [await server.create({ seconds: 3 }), await server.create({})];
    expect(one.quantcache.seed).not.toBe(two.quantcache.seed);
    expect(one.quantcache.num_frames).toBe(34);
  });

  test('fields that nobody knows are named, and a model has other names', async () => {
    const video = await server.create({ model: 'sora-2', user: 'me' });
    expect(video.model).toBe('sora-2');
    expect(video.quantcache.warnings.join()).toContain('"user"');
  });

  test('a quality or a speed-up is what the run aims at, with the profile that is asked for; a sampler is the one it takes', async () => {
    for (const quantcache of [
      { quality: 35 },
      { speedup: 4.5 },
      { quality: 31.5, profile: 'balanced', sampler: 'unipc' },
    ]) {
      const { id, quantcache: details } = await server.create({ quantcache });
      expect(details.request.quantcache).toMatchObject(quantcache);
      const saved = JSON.parse(readFileSync(join(server.data, 'jobs', id.slice(6), 'job.json'), 'utf8')) as Job;
      expect(saved.request.run).toMatchObject(quantcache);
    }
  });

  test.each([
    [{}, 'prompt', 'invalid_value'],
    [{ prompt: '' }, 'prompt', 'invalid_value'],
    [{ prompt: 'x'.repeat(4097) }, 'prompt', 'invalid_value'],
    [{ prompt, size: '1280by720' }, 'size', 'unsupported_size'],
    [{ prompt, size: '9000x9000' }, 'size', 'unsupported_size'],
    [{ prompt, width: 64 }, 'height', 'invalid_value'],
    [{ prompt, size: '1280x720', num_frames: 102 }, 'size', 'unsupported_size'],
    [{ prompt, seconds: 1000 }, 'seconds', 'invalid_value'],
    [{ prompt, num_frames: 5 }, 'num_frames', 'invalid_value'],
    [{ prompt, fps: 0.01 }, 'fps', 'invalid_value'],
    [{ prompt, num_inference_steps: 9999 }, 'num_inference_steps', 'invalid_value'],
    [{ prompt, guidance_scale: -1 }, 'guidance_scale', 'invalid_value'],
    [{ prompt, seed: 'abc' }, 'seed', 'invalid_value'],
    [{ prompt, negative_prompt: 'blurry' }, 'negative_prompt', 'unsupported_parameter'],
    [{ prompt, quantcache: { profile: '/etc/passwd.json' } }, 'quantcache[profile]', 'invalid_value'],
    [{ prompt, quantcache: { quality: -1 } }, 'quantcache[quality]', 'invalid_value'],
    [{ prompt, quantcache: { quality: 35, speedup: 4 } }, 'quantcache[speedup]', 'unsupported_target'],
    [{ prompt, quantcache: { quality: 35, policy: 'teacache' } }, 'quantcache[quality]', 'unsupported_target'],
    [{ prompt, quantcache: { quality: 35, profile: 'fast' } }, 'quantcache[quality]', 'unsupported_target'],
    [
      { prompt, quantcache: { quality: 35, policy: 'quantcache', policy_options: { hlc: false } } },
      'quantcache[quality]',
      'unsupported_target',
    ],
    [{ prompt, quantcache: { speedup: 4, profile: 'fast' } }, 'quantcache[speedup]', 'unsupported_target'],
    [{ prompt, quantcache: { speedup: 0 } }, 'quantcache[speedup]', 'invalid_value'],
    [{ prompt, quantcache: { preview: 'sometimes' } }, 'quantcache[preview]', 'invalid_value'],
    [{ prompt, quantcache: { policy: 'nonsense' } }, 'quantcache', 'invalid_option'],
    [{ prompt, quantcache: { policy: 'full', profile: 'fast' } }, 'quantcache', 'invalid_option'],
    [{ prompt, quantcache: { sampler: 'none' } }, 'quantcache[sampler]', 'invalid_value'],
    [{ prompt, quantcache: { nonsense: 1 } }, 'quantcache', 'unknown_parameter'],
  ])('refuses %j', async (fields, param, code) => {
    const { status, body } = await server.json<ErrorBody>('/v1/videos', json(fields));
    expect(status).toBe(400);
    expect(body.error).toMatchObject({ type: 'invalid_request_error', param, code });
  });

  test('refuses models that there are not, bodies that are none, and what it does not make', async () => {
    const { status, body } = await server.json<ErrorBody>('/v1/videos', json({ prompt, model: 'gpt' }));
    expect([status, body.error.code]).toEqual([404, 'model_not_found']);
    for (const [init, expected] of [
      [{ method: 'POST', body: '{', headers: { 'content-type': 'application/json' } }, 400],
      [{ method: 'POST', body: 'x', headers: { 'content-type': 'text/plain' } }, 415],
      [{ method: 'POST', body: 'x', headers: { 'content-type': 'multipart/form-data; boundary=y' } }, 400],
    ] as const)
      expect((await server.json('/v1/videos', init)).status).toBe(expected);
    expect((await server.json('/v1/videos/edits', json({ prompt }))).status).toBe(400);
  });

  test('a request that is sent again is the same video', async () => {
    const again = { 'x-stainless-retry-count': '1' };
    const fields = { prompt: 'sent twice', seed: 1 };
    const { body: first } = await server.json<Video>('/v1/videos', json(fields));
    expect((await server.json<Video>('/v1/videos', json(fields, again))).body.id).toBe(first.id);
    expect((await server.json<Video>('/v1/videos', json(fields))).body.id).not.toBe(first.id);
    const keyed = () => server.json<Video>('/v1/videos', json({ prompt: 'keyed' }, { 'idempotency-key': 'k' }));
    expect((await keyed()).body.id).toBe((await keyed()).body.id);
  });
});

describe('a video', () => {
  test('is made, said how it goes, and has its files', async () => {
    const { id } = await server.create({ prompt: 'a slow warn star', quantcache: { trace: true } });
    const events = (await eventsUntil(`/v1/videos/${id}/events`, 'completed')).map(({ event }) => event);
    expect(events[0]).toMatchObject({ type: 'snapshot', videos: [{ id }] });
    const progress = events.flatMap((event) => (event.type === 'progress' ? [event.progress] : []));
    expect(progress).toEqual([...progress].sort((a, b) => a - b));
    expect(events.filter(({ type }) => type === 'warning')).toHaveLength(1);
    const { headers, body } = await server.json<Video>(`/v1/videos/${id}`);
    expect(headers.get('openai-poll-after-ms')).toBe('500');
    expect(body).toMatchObject({ status: 'completed', progress: 100, error: null });
    expect(body.quantcache).toMatchObject({ attempt: 1, speedup: 9, warnings: ['As the prompt asks.'] });
    for (const variant of body.quantcache.variants) {
      const answer = await fetch(`${server.url}/v1/videos/${id}/content?variant=${variant}`);
      expect([answer.status, (await answer.arrayBuffer()).byteLength > 0]).toEqual([200, true]);
    }
    expect((await server.json(`/v1/videos/${id}/content?variant=sound`)).status).toBe(400);
  });

  test('comes whole, in ranges, and not at all where the client has it', async () => {
    const { id } = await server.ended((await server.create({})).id);
    const content = (headers: Record<string, string>) => fetch(`${server.url}/v1/videos/${id}/content`, { headers });
    const whole = await content({});
    const text = await whole.text();
    expect(whole.headers.get('content-type')).toBe('video/mp4');
    expect(whole.headers.get('content-disposition')).toContain(`${id}.mp4`);
    const part = await content({ range: 'bytes=2-5' });
    expect([part.status, await part.text()]).toEqual([206, text.slice(2, 6)]);
    expect(part.headers.get('content-range')).toBe(`bytes 2-5/${text.length}`);
    expect(await (await content({ range: 'bytes=-3' })).text()).toBe(text.slice(-3));
    expect((await content({ range: 'bytes=9999-' })).status).toBe(416);
    expect((await content({ 'if-none-match': whole.headers.get('etag')! })).status).toBe(304);
  });

  test('that is not ready has no content, and clients are told not to ask again at once', async () => {
    const { id } = await server.create({ prompt: 'slow' });
    const { status, headers, body } = await server.json<ErrorBody>(`/v1/videos/${id}/content`);
    expect([status, body.error.code, headers.get('x-should-retry')]).toEqual([409, 'video_not_ready', 'false']);
  });

  test('is cancelled while it runs, tried again, and removed', async () => {
    const { id } = await server.create({ prompt: 'slow' });
    await eventsUntil(`/v1/videos/${id}/events`, 'progress');
    const post = (path: string) => server.json<Video>(`/v1/videos/${id}/${path}`, { method: 'POST' });
    expect((await post('cancel')).body).toMatchObject({ status: 'failed', error: { code: 'cancelled' } });
    expect((await post('cancel')).status).toBe(409);
    const { body: again } = await post('retry');
    expect(again.quantcache).toMatchObject({ retry_of: id, seed: (await server.ended(id)).quantcache.seed });
    expect((await server.ended(again.id)).status).toBe('completed');
    const removed = await server.json(`/v1/videos/${id}`, { method: 'DELETE' });
    expect(removed.body).toEqual({ id, object: 'video.deleted', deleted: true });
    expect((await server.json(`/v1/videos/${id}`)).status).toBe(404);
  });

  test('is made with another prompt', async () => {
    const first = await server.create({ seed: 5 });
    const { body } = await server.json<Video>(`/v1/videos/${first.id}/remix`, json({ prompt: 'a blue star' }));
    expect(body).toMatchObject({ prompt: 'a blue star', remixed_from_video_id: first.id, quantcache: { seed: 5 } });
  });

  test('that fails says why; one that takes the engine with it is tried twice, and the next one is made', async () => {
    const [bad, deadly] = [await server.create({ prompt: 'fail' }), await server.create({ prompt: 'crash' })];
    expect(await server.ended(bad.id)).toMatchObject({ status: 'failed', error: { code: 'not_finite' } });
    expect(await server.ended(deadly.id)).toMatchObject({
      status: 'failed',
      error: { code: 'engine_crashed' },
      quantcache: { attempt: 2 },
    });
    expect((await server.ended((await server.create({})).id)).status).toBe('completed');
  });

  test('shows previews where they are asked for', async () => {
    const { id } = await server.create({ prompt: 'slow', quantcache: { preview: 'always' } });
    const events = await eventsUntil(`/v1/videos/${id}/events`, 'preview');
    const [url] = events.flatMap(({ event }) => (event.type === 'preview' ? [event.url] : []));
    // Who begins to listen only now sees what there is, without waiting for the next one.
    const [, first] = await eventsUntil(`/v1/videos/${id}/events`, 'preview');
    expect(first?.event).toMatchObject({ type: 'preview', id });
    const preview = await fetch(server.url + url);
    expect([preview.headers.get('content-type'), await preview.text()]).toEqual([
      'image/png',
      expect.stringMatching(/^step/),
    ]);
  });
});

test('a list is read page by page while videos arrive', async () => {
  const seen: string[] = [];
  for (let after = ''; seen.length < 6; ) {
    const { body } = await server.json<VideoList>(`/v1/videos?limit=2${after}`);
    await server.create({});
    seen.push(...body.data.map(({ id }) => id));
    expect([body.first_id, body.last_id]).toEqual([body.data[0]!.id, body.data[1]!.id]);
    after = `&after=${body.last_id}`;
  }
  expect(new Set(seen).size).toBe(seen.length);
  expect((await server.json('/v1/videos?limit=0')).status).toBe(400);
  expect((await server.json('/v1/videos?order=up')).status).toBe(400);
});

test('a stream goes on after the event that a client names', async () => {
  const { id } = await server.create({});
  await server.ended(id);
  const all = eventsUntil('/v1/events', 'completed');
  const next = await server.create({ prompt: 'slow' }); // the stream is open before its last events
  const [, second, ...rest] = await all;
  const again = await eventsUntil('/v1/events', 'completed', { 'last-event-id': second!.id! });
  expect(again.slice(1).map((one) => one.id)).toEqual(rest.map((one) => one.id));
  expect((await server.ended(next.id)).status).toBe('completed');
});

test('what there is to ask for', async () => {
  const { body } = await server.json<Capabilities>('/v1/capabilities');
  expect(body.models.map(({ id }) => id)).toEqual(['demo', 'sora-2']);
  expect(body.models[0]!.quantcache.profiles.map(({ name }) => name)).toEqual(['quality', 'balanced', 'fast']);
  expect((await server.json<{ data: object[] }>('/v1/models')).body.data).toHaveLength(2);
  expect((await server.json('/v1/models/none')).status).toBe(404);
  const { body: document } = await server.json<{ openapi: string; paths: Record<string, object> }>('/openapi.json');
  expect(document.openapi).toBe('3.1.0');
  expect(JSON.stringify(document.paths['/v1/videos'])).toContain('num_inference_steps');
  expect(await (await fetch(`${server.url}/metrics`)).text()).toMatch(/quantcache_jobs_total\{status="completed"/);
  for (const path of ['/healthz', '/readyz']) expect(await (await fetch(server.url + path)).text()).toBe('ok\n');
  expect(await (await fetch(server.url)).text()).toContain('The studio is not built');
});
