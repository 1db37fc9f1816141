/** Real clips whose engine and server are killed half way: the next attempt goes on from there, to the same bytes. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { ServerEvent, Video } from '../../src/serve/api.ts';

const folder = mkdtempSync(join(tmpdir(), 'quantcache-resume-'));
const data = join(folder, 'data');
const steps = 60;
let server: ChildProcess | undefined;
let url = '';

afterAll(() => {
  server?.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

async function start(): Promise<void> {
  const args = ['serve', '--port', '0', '--data', data, '--threads', '2', '--json', '--keep-after', '0'];
  server = spawn(process.execPath, [resolve('dist/cli/main.js'), ...args], { stdio: ['ignore', 'pipe', 'ignore'] });
  const line = await new Promise<string>((done) => server!.stdout!.once('data', (chunk) => done(String(chunk))));
  url = (JSON.parse(line) as { url: string }).url;
}

const ask = async <Body>(path: string, init?: RequestInit) =>
  (await (await fetch(`${url}/v1/videos${path}`, init)).json()) as Body;

async function create(): Promise<string> {
  const fields = {
    prompt: 'a large red star moves right over a blue background',
    seed: 7,
    num_inference_steps: steps,
    quantcache: { policy: 'teacache' },
  };
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(fields) };
  return (await ask<Video>('', init)).id;
}

/** Waits until a video is so. */
async function until(id: string, isSo: (video: Video) => boolean): Promise<Video> {
  for (;;) {
    const video = await ask<Video>(`/${id}`);
    if (isSo(video) || video.status === 'failed') return video;
    await new Promise((tick) => setTimeout(tick, 20));
  }
}

const isHalf = ({ quantcache: { step } }: Video) => (step ?? 0) >= steps / 2;

/** The step that a video's first progress from now on tells of, or that of its second attempt. */
async function firstStep(id: string, { isSecond = false } = {}): Promise<number> {
  const stopping = new AbortController();
  const { body } = await fetch(`${url}/v1/videos/${id}/events`, { signal: stopping.signal });
  let text = '';
  for await (const chunk of body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const events = [...text.matchAll(/^data: (.*)\n/gm)].map(([, one]) => JSON.parse(one!) as ServerEvent);
    const begun = events.findIndex((event) => event.type === 'started' && event.attempt === 2);
    if (isSecond && begun < 0) continue;
    const first = events
      .slice(isSecond ? begun : 0)
      .find((event) => event.type === 'progress' && event.stage === 'denoise' && event.did);
    if (first?.type === 'progress') {
      stopping.abort();
      return first.step;
    }
  }
  throw new Error('The video ended without progress.');
}

const bytesOf = async (id: string) => Buffer.from(await (await fetch(`${url}/v1/videos/${id}/content`)).arrayBuffer());

test('an attempt goes on from the state that the one before it kept, to the same bytes', async () => {
  await start();
  const whole = await create();
  expect(await until(whole, ({ status }) => status === 'completed')).toMatchObject({ status: 'completed' });
  const expected = await bytesOf(whole);

  const byEngine = await create();
  await until(byEngine, isHalf);
  const step = firstStep(byEngine, { isSecond: true });
  const { stdout } = spawnSync('ps', ['-o', 'pid=', '--ppid', String(server!.pid)], { encoding: 'utf8' });
  process.kill(Number(stdout.trim()), 'SIGKILL');
  expect(await step).toBeGreaterThan(5); // how often it is saved depends on how fast it can be
  const first = await until(byEngine, ({ status }) => status === 'completed');
  expect(first).toMatchObject({ status: 'completed', quantcache: { attempt: 2 } });
  expect(first.quantcache.steps).toHaveLength(steps);
  expect((await bytesOf(byEngine)).equals(expected)).toBe(true);

  const byServer = await create();
  await until(byServer, isHalf);
  const gone = new Promise((done) => server!.once('exit', done));
  server!.kill('SIGKILL');
  await gone;
  expect(readdirSync(join(data, 'jobs', byServer.slice(6)))).toContain('run.partial');
  await start();
  expect(await firstStep(byServer)).toBeGreaterThan(5);
  await until(byServer, ({ status }) => status === 'completed');
  expect((await bytesOf(byServer)).equals(expected)).toBe(true);
  for (const id of [byEngine, byServer])
    expect(readdirSync(join(data, 'jobs', id.slice(6))).filter((name) => !/^2\.|^job\.json$/.test(name))).toEqual([]);
});
