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

/** Runs to the end, or until it is killed after so many milliseconds. */
function run(out, more = [], killAfter = undefined) {
  const command = [resolve('dist/cli/main.js'), 'generate', ...args, '--keep-after', '0', '-q', '-o', out, ...more];
  return new Promise((done) => {
    const began = performance.now();
    const child = spawn(process.execPath, command, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
    const timer = killAfter && setTimeout(() => child.kill('SIGKILL'), killAfter);
    child.on('close', (code) => {
      clearTimeout(timer);
      done({ code, time: performance.now() - began });
    });
  });
}

const whole = await run('whole.mp4');
const expected = readFileSync(join(folder, 'whole.mp4'));
console.log(`whole: ${(whole.time / 1000).toFixed(1)} s`);
let kept = 0;
let wrong = 0;
for (let kill = 1; kill <= kills; kill++) {
  const moment = whole.time * (0.15 + 0.8 * Math.random());
  const { code } = await run('killed.mp4', [], moment);
  const hasState = existsSync(join(folder, 'killed.mp4.partial'));
  if (code === 0 || !hasState) {
    console.log(`${kill}: ${(moment / 1000).toFixed(1)} s, ${code === 0 ? 'was done before' : 'nothing was kept yet'}`);
  } else {
    const resumed = await run('killed.mp4', ['--resume']);
    const same = resumed.code === 0 && readFileSync(join(folder, 'killed.mp4')).equals(expected);
    kept++;
    if (!same) wrong++;
    console.log(
      `${kill}: killed after ${(moment / 1000).toFixed(1)} s, went on for ${(resumed.time / 1000).toFixed(1)} s: ${same ? 'the same bytes' : 'OTHER BYTES'}`,
    );
  }
  const left = readdirSync(folder).filter((name) => name.endsWith('.partial') || name.endsWith('.tmp'));
  if (left.some((name) => name.endsWith('.partial'))) rmSync(join(folder, 'killed.mp4.partial'));
}
console.log(`${kept} of ${kills} went on, ${wrong} made other bytes`);
rmSync(folder, { recursive: true });
process.exitCode = wrong > 0 ? 1 : 0;
