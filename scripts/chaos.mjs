// Real clips of the embedded model while engines, workers and the server are killed, as kill -9 does: says how many were lost,
// published twice or made otherwise than without kills, and which files were left over. With DATABASE_URL of an empty database
// on a server and two workers, else on one server with the queue of files.
// Not part of the tests, because it takes minutes: npm run build && node scripts/chaos.mjs [clips] [kills]
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

const [clips = 30, kills = 15] = process.argv.slice(2).map(Number);
const isShared = Boolean(process.env.DATABASE_URL);
const folder = mkdtempSync(join(tmpdir(), 'quantcache-chaos-'));
const data = join(folder, 'data');
const program = resolve('dist/cli/main.js');
const common = ['--data', data, '--threads', '1', '--keep-after', '0'];
const began = performance.now();
const seconds = () => ((performance.now() - began) / 1000).toFixed(1);
const living = new Set();

function start(args, isReady) {
  const child = spawn(process.execPath, [program, ...args, ...common], { stdio: ['ignore', 'pipe', 'pipe'] });
  living.add(child);
  child.once('exit', () => living.delete(child));
  return new Promise((done) => {
    const hear = (chunk) => isReady(String(chunk)) && done({ child, said: String(chunk) });
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
  });
}

async function startServer() {
  const args = ['serve', '--port', '0', '--json', '--engines', isShared ? '0' : '1', '--creates-per-minute', '1000'];
  const { child, said } = await start(args, (text) => text.startsWith('{'));
  return { child, url: JSON.parse(said).url };
}

const startWorker = async () => (await start(['worker'], (text) => text.includes('ready'))).child;

async function kill(child) {
  const gone = new Promise((done) => child.once('exit', done));
  child.kill('SIGKILL');
  await gone;
}

const childrenOf = ({ pid }) => {
  const { stdout } = spawnSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' });
  return stdout.split('\n').map(Number).filter(Boolean);
};

const hash = (bytes) => createHash('sha256').update(bytes).digest('hex').slice(0, 12);

let server = await startServer();
const workers = isShared ? [await startWorker(), await startWorker()] : [];
const ask = async (path, init) => (await fetch(`${server.url}/v1/videos${path}`, init)).json();

// Three different runs, ten of each: those of one kind must be the same bytes.
const kinds = [
  { seed: 1, quantcache: { profile: 'balanced' } },
  { seed: 2, num_inference_steps: 20, quantcache: { policy: 'teacache' } },
  { seed: 3, num_inference_steps: 15, quantcache: { policy: 'full' } },
];
const ids = [];
for (let i = 0; i < clips; i++) {
  const fields = { prompt: 'a large red star moves right over a blue background', ...kinds[i % kinds.length] };
  const body = JSON.stringify(fields);
  const { id } = await ask('', { method: 'POST', body, headers: { 'content-type': 'application/json' } });
  ids.push(id);
}
const count = { server: 0, worker: 0, engine: 0 };
/** By which attempt each was published, and those that were by two. */
const published = new Map();
const twice = new Set();
const videos = async () => {
  const all = [];
  for (let after = ''; ; ) {
    const page = await ask(`?limit=100${after}`);
    all.push(...page.data);
    for (const { id, status, quantcache } of page.data) {
      if (status !== 'completed') continue;
      if (published.has(id) && published.get(id) !== quantcache.attempt) twice.add(id);
      published.set(id, quantcache.attempt);
    }
    after = `&after=${page.last_id}`;
    if (!page.has_more) return all;
  }
};
const ended = (all) => all.filter(({ status }) => status === 'completed' || status === 'failed').length;
for (let turn = 0; turn < kills; turn++) {
  // One after another clip: a job that takes two engines with it has failed, and is to have.
  while (ended(await videos()) <= turn) await wait(50);
  await wait(400 + 350 * (turn % 5));
  const makers = isShared ? workers : [server.child];
  if (turn % 3 === 0) {
    const [engine] = childrenOf(makers[turn % makers.length]);
    if (engine) process.kill(engine, 'SIGKILL');
    count.engine += engine ? 1 : 0;
  } else if (isShared && turn % 3 === 1) {
    const which = turn % workers.length;
    await kill(workers[which]);
    workers[which] = await startWorker();
    count.worker++;
  } else {
    await kill(server.child);
    server = await startServer();
    count.server++;
  }
}
console.log(`${seconds()} s: killed ${count.engine} engines, ${count.worker} workers, ${count.server} servers`);
let all = await videos();
while (ended(all) < clips) {
  await wait(500);
  all = await videos();
}
const made = all.filter(({ status }) => status === 'completed');
const failed = all.filter(({ status }) => status === 'failed');
const hashes = kinds.map(() => new Set());
const strays = [];
for (const { id, quantcache } of made) {
  const bytes = Buffer.from(await (await fetch(`${server.url}/v1/videos/${id}/content`)).arrayBuffer());
  hashes[ids.indexOf(id) % kinds.length].add(hash(bytes));
  const own = new RegExp(`^(${quantcache.attempt}\\.|job\\.json$)`);
  const files = readdirSync(join(data, isShared ? 'videos' : 'jobs', id.slice('video_'.length)));
  strays.push(...files.filter((name) => !own.test(name)).map((name) => `${id}/${name}`));
  if (files.filter((name) => name.endsWith('.mp4')).length !== 1) strays.push(`${id}: ${files.join(' ')}`);
}
const again = made.filter(({ quantcache }) => quantcache.attempt > 1).length;
console.log(
  `${seconds()} s: ${made.length} of ${clips} made (${again} in more than one attempt), ${failed.length} failed`,
);
for (const { id, error } of failed) console.log(`  ${id}: ${error.code}: ${error.message}`);
all = await videos();
const other = hashes.reduce((sum, { size }) => sum + Math.max(0, size - 1), 0);
console.log(
  `lost: ${clips - all.length}; published twice: ${twice.size}; other bytes: ${other}; stray files: ${strays.length}`,
);
for (const stray of strays) console.log(`  ${stray}`);
const orphans = [...living].flatMap(childrenOf);
for (const child of living) child.kill('SIGKILL');
await wait(5000);
const left = orphans.filter((pid) => {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
});
console.log(`engines that live 5 s after their host was killed: ${left.length} of ${orphans.length}`);
rmSync(folder, { recursive: true, force: true });
const isGood = all.length === clips && twice.size + strays.length + left.length + other === 0;
process.exitCode = isGood ? 0 : 1;
