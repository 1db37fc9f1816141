/** Two hundred jobs while the server and its engines are killed: none is lost, none is published twice, no file is left over. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { Video, VideoList } from '../../src/serve/api.ts';

const [jobs, serverKills, engineKills] = [200, 12, 6];
const folder = mkdtempSync(join(tmpdir(), 'quantcache-chaos-'));
const log = join(folder, 'log');
const data = join(folder, 'data');
let server: ChildProcess | undefined;

afterAll(() => {
  server?.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

async function start(): Promise<string> {
  server = spawn(process.execPath, [resolve('test/serve/fake.mjs'), '0', data, '3'], {
    env: { ...process.env, FAKE_ENGINE_LOG: log, FAKE_ENGINE_STEP: '60' },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return String(await new Promise((done) => server!.stdout!.once('data', done))).trim();
}

const pause = (milliseconds: number) => new Promise((tick) => setTimeout(tick, milliseconds));

/** Kills one engine of the server, another one each time, if it lives. */
function killEngine(turn: number): void {
  const { stdout } = spawnSync('ps', ['-o', 'pid=', '--ppid', String(server!.pid)], { encoding: 'utf8' });
  const pids = stdout.trim().split(/\s+/).map(Number);
  const pid = pids[turn % pids.length];
  if (pid) process.kill(pid, 'SIGKILL');
}

test('whatever dies when', { timeout: 400_000 }, async () => {
  let url = await start();
  const create = async (_: unknown, i: number): Promise<string> => {
    const body = JSON.stringify({ prompt: `job ${i}`, seed: i });
    const init = { method: 'POST', body, headers: { 'content-type': 'application/json' } };
    return ((await (await fetch(`${url}v1/videos`, init)).json()) as Video).id;
  };
  const ids = await Promise.all(Array.from({ length: jobs }, create));
  let killed = 0;
  for (let kill = 0; kill < serverKills + engineKills; kill++) {
    await pause(500 + 37 * (kill % 5));
    if (kill % 3 === 2) {
      killEngine(kill);
      continue;
    }
    const gone = new Promise((done) => server!.once('exit', done));
    if (server!.kill('SIGKILL')) killed++;
    await gone;
    url = await start();
  }
  expect(killed).toBe(serverKills);
  const videos: Video[] = [];
  for (;;) {
    videos.length = 0;
    for (let after = ''; ; ) {
      const page = (await (await fetch(`${url}v1/videos?limit=100${after}`)).json()) as VideoList;
      videos.push(...page.data);
      after = `&after=${page.last_id}`;
      if (!page.has_more) break;
    }
    if (videos.every(({ status }) => status === 'completed' || status === 'failed')) break;
    await pause(200);
  }
  expect(videos.map(({ id }) => id).sort()).toEqual([...ids].sort());
  // Whoever loses two engines fails, as a clip would that kills its engine: by six kills no more than three can.
  const failed = videos.filter(({ status }) => status === 'failed');
  expect(failed.map(({ error }) => error!.code)).toEqual(failed.map(() => 'engine_crashed'));
  expect(failed.length).toBeLessThanOrEqual(engineKills / 2);
  const completed = videos.filter(({ status }) => status === 'completed');
  expect(videos.filter(({ quantcache }) => quantcache.attempt > 1).length).toBeGreaterThan(0);
  for (const { id, quantcache, prompt, ...video } of completed) {
    const files = readdirSync(join(data, 'jobs', id.slice(6))).sort();
    const own = ['1.map.svg', '1.mp4', '1.spritesheet.png', '1.thumbnail.png'];
    expect(files).toEqual([...own.map((name) => name.replace('1', String(quantcache.attempt))), 'job.json'].sort());
    expect(video.error).toBeNull();
    expect(await (await fetch(`${url}v1/videos/${id}/content`)).text()).toContain(prompt);
  }
  // What was begun was begun by one attempt each time: no number was given out twice.
  const begun = readFileSync(log, 'utf8')
    .split('\n')
    .filter((line) => line.endsWith('begun'));
  expect(new Set(begun).size).toBe(begun.length);
});
