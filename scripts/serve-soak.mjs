// Many clips of the embedded model while some are cancelled and event streams come and go: does the server's memory stay flat, does
// it answer at once, does it let go of everything? npm run build, then on a quiet machine: node scripts/serve-soak.mjs [CLIPS] [STEPS]
// 500 clips of 30 steps, the default, take about a quarter of an hour. Exits 1 where a limit is passed.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const [clips, steps] = [Number(process.argv[2] ?? 500), Number(process.argv[3] ?? 30)];
const limits = { memoryMegabytes: 20, p99Milliseconds: 50 };
const [waiting, streams, cancelled] = [6, 12, 0.2];
const data = mkdtempSync(join(tmpdir(), 'quantcache-soak-'));
const prompt = 'a large red star moves right over a blue background';

let state = 42; // the same soak every time: a linear congruential generator
const random = () => {
  state = (1_664_525 * state + 1_013_904_223) % 2 ** 32;
  return state / 2 ** 32;
};
const quantile = (values, share) => [...values].sort((a, b) => a - b)[Math.floor(share * (values.length - 1))];

const program = [resolve('dist/cli/main.js'), 'serve', '--port', '0', '--json', '--data', data];
const server = spawn(process.execPath, [...program, '--creates-per-minute', '100000'], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
process.once('exit', () => server.kill('SIGKILL')); // also where this fails
const { url } = JSON.parse(String(await new Promise((done) => server.stdout.once('data', done))));
const ask = async (path, init) => (await fetch(url + path, init)).json();
const post = (path, body) =>
  ask(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
/** Numbers that the server says of itself, by name. */
const metrics = async () =>
  Object.fromEntries(
    (await (await fetch(`${url}/metrics`)).text())
      .split('\n')
      .filter((line) => line && !line.startsWith('#'))
      .map((line) => [line.split(' ')[0], Number(line.split(' ').at(-1))]),
  );
/** Files and sockets that the server has open. */
const handles = () => readdirSync(`/proc/${server.pid}/fd`).length;

let isOver = false;
const memory = [];
const answers = [];
async function watch() {
  for (let turn = 0; !isOver; turn++) {
    const began = performance.now();
    await (await fetch(`${url}/healthz`)).text();
    answers.push(performance.now() - began);
    if (turn % 10 === 0) memory.push((await metrics()).process_resident_memory_bytes / 2 ** 20);
    await sleep(100);
  }
}
const known = [];
let opened = 0;
/** A client that listens for a while, to everything or to one clip, and goes away in the middle of it. */
async function listen() {
  while (!isOver) {
    const leaving = AbortSignal.timeout(Math.round(200 + 3000 * random()));
    const one = known.length > 0 && random() < 0.5 ? known[Math.floor(random() * known.length)] : undefined;
    opened++;
    await fetch(one ? `${url}/v1/videos/${one}/events` : `${url}/v1/events`, { signal: leaving })
      .then((answer) => answer.text())
      .catch(() => undefined);
    await sleep(300 * random());
  }
}

await post('/v1/videos', { prompt, num_inference_steps: steps }); // the model is open
const before = handles();
const background = [watch(), ...Array.from({ length: streams }, listen)];
const began = performance.now();
while (known.length < clips) {
  const now = await metrics();
  if (now.quantcache_jobs_waiting >= waiting) {
    await sleep(50);
    continue;
  }
  const profile = ['quality', 'balanced', 'fast'][Math.floor(3 * random())];
  const quantcache = { profile, trace: random() < 0.5, preview: random() < 0.3 ? 'always' : false };
  const { id, error } = await post('/v1/videos', {
    prompt,
    num_inference_steps: steps,
    seed: known.length,
    quantcache,
  });
  if (error) throw new Error(error.message);
  known.push(id);
  if (random() < cancelled)
    void sleep(4000 * random()).then(() => fetch(`${url}/v1/videos/${id}/cancel`, { method: 'POST' }));
}
for (let now = await metrics(); now.quantcache_jobs_waiting + now.quantcache_jobs_running > 0; now = await metrics())
  await sleep(200);
isOver = true;
await Promise.all(background);
const took = (performance.now() - began) / 1000;

const counts = {};
for (let after = ''; ; ) {
  const page = await ask(`/v1/videos?limit=100${after}`);
  for (const { status, error } of page.data) counts[error?.code ?? status] = (counts[error?.code ?? status] ?? 0) + 1;
  if (!page.has_more) break;
  after = `&after=${page.last_id}`;
}
await sleep(6000); // connections that are kept alive end after five seconds
const end = await metrics();
const left = handles() - before;
// The first tenth is warming up; of the rest, the middles of nine parts.
const warm = memory.slice(Math.ceil(memory.length / 10));
const parts = Array.from({ length: 9 }, (_, i) =>
  quantile(warm.slice(Math.floor((i * warm.length) / 9), Math.floor(((i + 1) * warm.length) / 9)), 0.5),
).filter(Boolean);
const spread = Math.max(...parts) - Math.min(...parts);
const p99 = quantile(answers, 0.99);
const exited = new Promise((done) => server.once('exit', (code, signal) => done(signal ?? code)));
const children = spawnSync('ps', ['-o', 'pid=', '--ppid', String(server.pid)], { encoding: 'utf8' }).stdout.trim();
server.kill('SIGTERM');
const exit = await exited;
const orphans = children.split(/\s+/).filter((pid) => pid && spawnSync('ps', ['-p', pid]).status === 0);
rmSync(data, { recursive: true });

const failures = [
  Object.keys(counts).some((name) => name !== 'completed' && name !== 'cancelled') && 'clips failed',
  spread > limits.memoryMegabytes && `memory is not flat within ${limits.memoryMegabytes} MB`,
  p99 >= limits.p99Milliseconds && `/healthz takes longer than ${limits.p99Milliseconds} ms`,
  end.quantcache_event_streams > 0 && 'event streams are left open',
  left > 0 && 'handles are left open',
  (exit !== 0 || orphans.length > 0) && 'the server did not end well',
].filter(Boolean);
console.log(
  JSON.stringify(
    {
      clips: counts,
      seconds: Math.round(took),
      eventStreams: { opened, left: end.quantcache_event_streams },
      memoryMegabytes: { parts: parts.map(Math.round), spread: Number(spread.toFixed(1)), samples: warm.length },
      healthz: {
        asked: answers.length,
        median: Number(quantile(answers, 0.5).toFixed(1)),
        p99: Number(p99.toFixed(1)),
        worst: Number(Math.max(...answers).toFixed(1)),
      },
      handles: { before, left },
      exit,
      orphans,
      failures,
    },
    null,
    1,
  ),
);
process.exitCode = failures.length > 0 ? 1 : 0;
