// Ten thousand jobs in a queue, no engine: what adding one costs while it grows, what asking costs when it is full, and what the
// process takes. With DATABASE_URL of an empty database the queue in Postgres, else the one of files.
// Not part of the tests, because times are not: npm run build && node scripts/long-queue.mjs [jobs]
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newJobId } from '../dist/serve/job.js';
import { openPostgresQueue } from '../dist/serve/postgres/queue.js';
import { openFileQueue } from '../dist/serve/store/queue.js';

const jobs = Number(process.argv[2] ?? 10_000);
const { DATABASE_URL: url } = process.env;
const data = mkdtempSync(join(tmpdir(), 'quantcache-long-'));
const open = () => (url ? openPostgresQueue({ url, data }) : openFileQueue(data));

async function timed(act) {
  const began = performance.now();
  const result = await act();
  return [performance.now() - began, result];
}

const place = (sorted, share) => sorted[Math.floor(share * (sorted.length - 1))].toFixed(1);
const spread = (times) => {
  const sorted = [...times].sort((a, b) => a - b);
  return `median ${place(sorted, 0.5)}, 99% below ${place(sorted, 0.99)}, most ${place(sorted, 1)} ms`;
};

/** A job that says nothing in particular. */
const newJob = (i) => ({
  id: newJobId(),
  owner: 'local',
  priority: i % 3,
  request: {
    model: 'demo',
    modelName: 'demo',
    run: { prompts: [`job ${i}`], seed: '1', numSteps: 30, guidanceScale: 4, size: '64x64', frames: 17, fps: 8 },
    outputFormat: 'mp4',
    trace: false,
    warnings: [],
  },
});

let queue = await open();
const adds = [];
let last;
for (let i = 0; i < jobs; i++) {
  const [took, { job }] = await timed(() => queue.add(newJob(i), { most: { waiting: jobs, ofOwner: jobs } }));
  adds.push(took);
  last = job.id;
}
console.log(`${url ? 'Postgres' : 'files'}, ${jobs} jobs`);
console.log(`add, the first tenth: ${spread(adds.slice(0, jobs / 10))}`);
console.log(`add, the last tenth: ${spread(adds.slice(-jobs / 10))}`);
for (const [name, act] of [
  ['position', () => queue.position(last)],
  ['a page of a hundred', () => queue.list({ limit: 100, order: 'desc' })],
  ['all that are active', () => queue.active()],
]) {
  const times = [];
  for (let i = 0; i < 20; i++) times.push((await timed(act))[0]);
  console.log(`${name}: ${spread(times)}`);
}
console.log(`process: ${Math.round(process.memoryUsage.rss() / 1e6)} MB`);
await queue.close();
const [opening, again] = await timed(open);
queue = again;
console.log(`opened again in ${opening.toFixed(0)} ms; ${(await queue.size()).waiting} wait`);
const runs = [];
await new Promise((done) => {
  let began = performance.now();
  queue.subscribe((event) => {
    if (event.type !== 'completed') return;
    runs.push(performance.now() - began);
    began = performance.now();
    if (runs.length === 20) done();
  });
  const result = { files: {}, sha256: '', bytes: 0, policyOptions: {}, times: {}, steps: [] };
  queue.work(async () => ({ kind: 'completed', result }), { concurrency: 1 });
});
console.log(`from one end to the next, of jobs that take no time: ${spread(runs)}`);
await queue.close();
rmSync(data, { recursive: true, force: true });
process.exit();
