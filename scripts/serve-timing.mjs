// How soon a server that is started takes a job, and what serving adds to making a clip: npm run build, then on a quiet machine
// node scripts/serve-timing.mjs [STARTS] [CLIPS]
// Clips of the default profile, in turn by generate() in a warm process and by the server, from started to completed as it records
// them (whole milliseconds in its files). Exits 1 where a limit is passed.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createRuntime, decideRun, finish, generate, generateOptionsOf, openModel } from '../dist/index.js';

const [starts, clips] = [Number(process.argv[2] ?? 5), Number(process.argv[3] ?? 9)];
const folder = mkdtempSync(join(tmpdir(), 'quantcache-timing-'));
const prompt = 'a large red star moves right over a blue background';
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

async function startServer(data) {
  const program = [resolve('dist/cli/main.js'), 'serve', '--port', '0', '--json', '--data', data];
  const server = spawn(process.execPath, program, { stdio: ['ignore', 'pipe', 'ignore'] });
  const line = await new Promise((done) => server.stdout.once('data', done));
  return { server, url: JSON.parse(String(line)).url };
}

async function create(url, seed) {
  const init = {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ prompt, seed }),
  };
  const answer = await fetch(`${url}/v1/videos`, init);
  if (!answer.ok) throw new Error(await answer.text());
  return (await answer.json()).id;
}

async function ended(url, id) {
  for (;;) {
    const video = await (await fetch(`${url}/v1/videos/${id}`)).json();
    if (video.status === 'completed') return video;
    if (video.status === 'failed') throw new Error(video.error.message);
    await new Promise((tick) => setTimeout(tick, 50));
  }
}

const stop = async (server) => {
  const gone = new Promise((done) => server.once('exit', done));
  server.kill('SIGKILL');
  await gone;
};

const cold = [];
for (let i = 0; i < starts; i++) {
  const began = performance.now();
  const { server, url } = await startServer(join(folder, `cold-${i}`));
  const listening = performance.now() - began;
  await create(url, i);
  cold.push({ listening, accepted: performance.now() - began });
  await stop(server);
}
const accepted = cold.map((one) => one.accepted);
console.log(`listens after ${Math.round(median(cold.map((one) => one.listening)))} ms (median of ${starts})`);
console.log(
  `first job accepted after ${Math.round(median(accepted))} ms (median), ${Math.round(Math.max(...accepted))} (worst); limit 1500`,
);

const data = join(folder, 'warm');
const { server, url } = await startServer(data);
const runtime = await createRuntime();
const pipeline = await openModel(runtime, {});
const { run } = await decideRun(pipeline, { prompts: [prompt], seed: 1 });
const plain = [];
const served = [];
const stages = [];
for (let i = -2; i < clips; i++) {
  const began = performance.now();
  await finish(generate(pipeline, runtime, generateOptionsOf(run)));
  const took = performance.now() - began;
  const { id, quantcache } = await ended(url, await create(url, 1));
  const { startedAt, completedAt } = JSON.parse(
    readFileSync(join(data, 'jobs', id.slice('video_'.length), 'job.json'), 'utf8'),
  );
  if (i < 0) continue; // warm from now on
  plain.push(took);
  served.push(completedAt - startedAt);
  stages.push(quantcache.times);
}
await stop(server);
const [without, within] = [median(plain), median(served)];
const allowed = Math.max(0.05 * without, 30);
console.log(`generate() in a warm process: ${Math.round(without)} ms (median of ${clips})`);
console.log(
  `served, from started to completed: ${Math.round(within)} ms; ${Math.round(within - without)} more, ${Math.round(allowed)} allowed`,
);
const parts = Object.keys(stages[0]).map((name) => `${name} ${Math.round(median(stages.map((times) => times[name])))}`);
console.log(`of that by the engine's clock: ${parts.join(', ')} ms`);
rmSync(folder, { recursive: true });
process.exitCode = median(accepted) > 1500 || within - without > allowed ? 1 : 0;
