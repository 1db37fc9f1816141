// Kills runs of the embedded model at random moments, as kill -9 does, goes on with each, and compares the bytes with those
// of a run that nobody stopped. Not part of the tests, because it takes minutes: npm run build && node scripts/kill-and-resume.mjs
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const kills = Number(process.argv[2] ?? 10);
const folder = mkdtempSync(join(tmpdir(), 'quantcache-kill-'));
const args = [
  'a large red star moves right over a blue background',
  '--policy',
  'teacache',
  '--size',
  '32x32',
  '--steps',
  '60',
  '--threads',
  '1',
];

/** Runs to the end, or until it is killed: a part between 0 and 1 of the whole run's rest after it first kept its state. */
function run(out, { more = [], killAt } = {}) {
  const command = [resolve('dist/cli/main.js'), 'generate', ...args, '--keep-after', '0', '-q', '-o', out, ...more];
  return new Promise((done) => {
    const began = performance.now();
    const child = spawn(process.execPath, command, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
    let kept;
    const watch = setInterval(() => {
      const now = performance.now() - began;
      if (kept === undefined && existsSync(join(folder, `${out}.partial`))) kept = now;
      if (kept !== undefined && killAt !== undefined && now > kept + killAt * whole.rest) child.kill('SIGKILL');
    }, 5);
    child.on('close', (code) => {
      clearInterval(watch);
      const time = performance.now() - began;
      done({ code, time, kept, rest: time - kept });
    });
  });
}

const seconds = (milliseconds) => `${(milliseconds / 1000).toFixed(1)} s`;
const whole = await run('whole.mp4');
const expected = readFileSync(join(folder, 'whole.mp4'));
console.log(`whole: ${seconds(whole.time)}, kept first after ${seconds(whole.kept)}`);
let killed = 0;
let wrong = 0;
while (killed < kills) {
  const { code, time } = await run('killed.mp4', { killAt: Math.random() });
  if (code === 0) {
    console.log(`done before it was killed, after ${seconds(time)}`);
    continue;
  }
  killed++;
  const resumed = await run('killed.mp4', { more: ['--resume'] });
  const same = resumed.code === 0 && readFileSync(join(folder, 'killed.mp4')).equals(expected);
  const isLeft = existsSync(join(folder, 'killed.mp4.partial'));
  if (!same || isLeft) wrong++;
  const outcome = `${same ? 'the same bytes' : 'OTHER BYTES'}${isLeft ? ', STATE NOT REMOVED' : ''}`;
  console.log(`${killed}: killed after ${seconds(time)}, went on for ${seconds(resumed.time)}: ${outcome}`);
}
const stray = readdirSync(folder).filter((name) => name !== 'whole.mp4' && name !== 'killed.mp4');
console.log(
  `${killed} killed, ${wrong} made other bytes or left their state; other files left: ${stray.join(', ') || 'none'}`,
);
rmSync(folder, { recursive: true });
process.exitCode = wrong > 0 ? 1 : 0;
