/** Real clips by HTTP: the built program, the embedded model, in a process of its own. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readRecord } from '../../src/api/run.ts';
import type { ServerEvent, Video } from '../../src/serve/api.ts';
import type { Job } from '../../src/serve/job.ts';

const program = resolve('dist/cli/main.js');
const prompt = 'a large red star moves right over a blue background';
const folder = mkdtempSync(join(tmpdir(), 'quantcache-clips-'));
const data = join(folder, 'data');
let url = '';
let server: ChildProcess;
let said = '';

beforeAll(async () => {
  if (!existsSync(program)) throw new Error('The program is not built; run "npm run build".');
  const args = ['serve', '--port', '0', '--data', data, '--threads', '2', '--json'];
  server = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  server.stderr!.on('data', (chunk) => {
    said += chunk;
  });
  const line = await new Promise<string>((done) => server.stdout!.once('data', (chunk) => done(String(chunk))));
  url = (JSON.parse(line) as { url: string }).url;
}, 120_000);

afterAll(() => {
  server.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

const ask = async (path: string, init?: RequestInit) => (await fetch(url + path, init)).json() as Promise<Video>;

async function make(fields: object): Promise<Video> {
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(fields) };
  return await ended((await ask('/v1/videos', init)).id);
}

async function ended(id: string): Promise<Video> {
  for (;;) {
    const video = await ask(`/v1/videos/${id}`);
    if (video.status === 'completed' || video.status === 'failed') return video;
    await new Promise((tick) => setTimeout(tick, 100));
  }
}

/** Processes that a process has started and that live. */
function childrenOf(pid: number): number[] {
  const { stdout } = spawnSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' });
  return stdout.split('\n').flatMap((line) => (line.trim() ? [Number(line)] : []));
}

const lives = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
};

test('the same seed gives the same bytes by HTTP and by the command line', async () => {
  const steps = { num_inference_steps: 2, quantcache: { policy: 'full', trace: true } };
  const video = await make({ prompt, seed: 7, ...steps });
  expect(video).toMatchObject({ status: 'completed', error: null });
  expect(video.quantcache.steps).toEqual(['computed', 'computed']);
  const served = Buffer.from(await (await fetch(`${url}/v1/videos/${video.id}/content`)).arrayBuffer());
  for (const variant of video.quantcache.variants)
    expect((await fetch(`${url}/v1/videos/${video.id}/content?variant=${variant}`)).status).toBe(200);
  const options = ['--seed', '7', '--steps', '2', '--policy', 'full', '--threads', '2', '--quiet'];
  const file = join(folder, 'star.mp4');
  const generating = spawn(process.execPath, [program, 'generate', prompt, '-o', file, ...options]);
  expect(await new Promise((done) => generating.once('exit', done))).toBe(0);
  expect(served.equals(readFileSync(file))).toBe(true);
});

test('a run is shown as it goes, and nothing of that stays', async () => {
  const fields = { prompt, num_inference_steps: 3, quantcache: { policy: 'full', preview: 'always' } };
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(fields) };
  const { id } = await ask('/v1/videos', init);
  const events = await fetch(`${url}/v1/videos/${id}/events`);
  const sizes: (number | undefined)[][] = [];
  const steps: number[] = [];
  let text = '';
  for await (const chunk of events.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const told = [...text.matchAll(/^data: (.*)\n/gm)].map(([, data]) => JSON.parse(data!) as ServerEvent);
    for (const preview of told) {
      if (preview.type !== 'preview') continue;
      if (steps.includes(preview.step)) continue;
      steps.push(preview.step);
      const picture = await fetch(url + preview.url);
      if (!picture.ok) continue; // the run was faster than this client
      const { width, height, format } = await sharp(Buffer.from(await picture.arrayBuffer())).metadata();
      sizes.push([width, height]);
      expect(format).toBe('png');
    }
  }
  expect(steps).toEqual([1, 2, 3]);
  expect(sizes.length).toBeGreaterThan(0);
  for (const size of sizes) expect(size).toEqual([5 * 64, 64]); // five frames of latents, side by side
  expect((await fetch(`${url}/v1/videos/${id}/preview`)).status).toBe(404);
  expect(readdirSync(join(data, 'jobs', id.slice(6))).join()).not.toContain('preview');
});

test('what is aimed at decides how much is computed', async () => {
  const computed = async (quality: number) => {
    const { quantcache } = await make({ prompt, seed: 7, quantcache: { quality } });
    expect(quantcache.estimated_quality).toBeGreaterThan(quality - 3);
    return quantcache.steps!.filter((did) => did === 'computed').length;
  };
  const careful = await computed(48);
  expect(careful).toBeGreaterThan(await computed(30));
  const fast = await make({ prompt, seed: 7, quantcache: { speedup: 6 } });
  expect(fast.quantcache.steps!.filter((did) => did === 'computed').length).toBeLessThan(careful);
  const { error } = await make({ prompt, seed: 7, quantcache: { speedup: 900 } });
  expect(error).toMatchObject({ code: 'invalid_option', message: expect.stringMatching(/at most/) });
});

test('a video says by what its profile decides, without the tables behind it', async () => {
  const { quantcache } = await make({ prompt, quantcache: { profile: 'fast' } });
  expect(quantcache).toMatchObject({
    profile: 'fast',
    policy_options: { hlc: { leaps: { quality: expect.any(Number) } } },
  });
  expect(JSON.stringify(quantcache.policy_options).length).toBeLessThan(1000);
});

test('a prompt that names a file is refused by the engine, and messages name no folder of the server', async () => {
  const { error } = await make({ prompt: `${prompt} {"reference_path": "/etc/hostname"}` });
  expect(error).toMatchObject({ code: 'invalid_option', message: expect.stringMatching(/names a file/) });
  expect(JSON.stringify(error)).not.toContain(folder);
});

test('a picture conditions a clip, whose file names the picture and not where it lay', async () => {
  const picture = await (await fetch(`${url}/v1/videos`)).json();
  const { id } = (picture as { data: Video[] }).data.at(-1)!;
  const thumbnail = await fetch(`${url}/v1/videos/${id}/content?variant=thumbnail`);
  const type = thumbnail.headers.get('content-type');
  const image_url = `data:${type};base64,${Buffer.from(await thumbnail.arrayBuffer()).toString('base64')}`;
  const video = await make({
    prompt,
    num_inference_steps: 1,
    input_reference: { image_url },
    quantcache: { policy: 'full' },
  });
  expect(video).toMatchObject({ status: 'completed', quantcache: { has_input_reference: true } });
  const record = await readRecord(join(data, 'jobs', video.id.slice(6), '1.mp4'));
  expect(record.run.image).toMatch(/^reference\.(webp|png)$/);
  expect(JSON.stringify(record)).not.toContain(folder);
});

test('files and folders are for their owner alone, prompts are in no log', () => {
  for (const name of readdirSync(data, { recursive: true, encoding: 'utf8' }))
    expect([name, statSync(join(data, name)).mode & 0o077]).toEqual([name, 0]);
  expect(said).not.toContain('star');
});

test('a server that is killed leaves no engine; one that is stopped ends well', async () => {
  const [engine] = childrenOf(server.pid!);
  expect(lives(engine!)).toBe(true);
  const gone = new Promise((done) => server.once('exit', (code, signal) => done(signal ?? code)));
  server.kill('SIGKILL');
  expect(await gone).toBe('SIGKILL');
  while (lives(engine!)) await new Promise((tick) => setTimeout(tick, 50)); // or the test's time is over
  // A job that waits for another model than the next server has.
  const [id] = readdirSync(join(data, 'jobs')) as [string];
  const file = join(data, 'jobs', id, 'job.json');
  const { result: _, request, ...job } = JSON.parse(readFileSync(file, 'utf8')) as Job;
  writeFileSync(file, JSON.stringify({ ...job, request: { ...request, modelName: 'other' }, state: 'queued' }));
  const again = spawn(process.execPath, [program, 'serve', '--port', '0', '--data', data]);
  const line = await new Promise((done) => again.stdout.once('data', (chunk) => done(String(chunk))));
  url = String(line).trim().replace(/\/$/, '');
  const video = await ended(`video_${id}`);
  expect(video.error).toMatchObject({
    code: 'weights_mismatch',
    message: expect.stringMatching(/for the model other/),
  });
  const stopped = new Promise((done) => again.once('exit', done));
  again.kill('SIGTERM');
  expect(await stopped).toBe(0);
  expect(existsSync(join(data, 'lock'))).toBe(false);
});
