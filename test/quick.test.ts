/** A full run that is recorded while it makes a clip, and profiles from it, untried. Runs the built program. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'quantcache-quick-'));
const small = ['-m', resolve('test/fixtures/pipeline'), '--size', '32x32', '--frames', '17', '--threads', '1'];
const star = ['generate', 'a red star', '--steps', '5', '--policy', 'full', ...small];

function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [resolve('dist/cli/main.js'), ...args], {
    cwd: folder,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}
const bytes = (file: string) => readFileSync(join(folder, file));

test('recording changes no byte of the clip; calibration uses the run and computes nothing; the profile is followed', () => {
  expect(run(...star, '-q', '-o', 'star.mp4').status).toBe(0);
  expect(run(...star, '-q', '-o', 'recorded.mp4', '--record', 'runs.json')).toMatchObject({ status: 0, stderr: '' });
  expect(bytes('recorded.mp4').equals(bytes('star.mp4'))).toBe(true);

  const quick = ['calibrate', '--quick', '--steps', '5', '--prompts', '1', '--measurements', 'runs.json', ...small];
  const made = run(...quick, '--quality', '25', '-o', 'quick.json');
  expect(made).toMatchObject({ status: 0, stdout: 'quick.json\n' });
  expect(made.stderr).toMatch(/all runs are recorded already, and nothing is tried out/);
  expect(JSON.parse(bytes('quick.json').toString())).toMatchObject({
    options: { hlc: { leaps: { quality: 25 } }, aigq: false },
    measured: { recorded: [{ prompt: 'a red star', seed: 42 }] },
  });
  const args = ['generate', 'a red star', '--steps', '5', ...small];
  const followed = run(...args, '--profile', 'quick.json', '--json', '-q', '-o', 'quick.mp4');
  expect(followed).toMatchObject({ status: 0, stderr: '' });
  expect(JSON.parse(followed.stdout).run).toMatchObject({ policy: 'quantcache' });
});

test.each<[string, string[], RegExp]>([
  ['a policy that skips', ['generate', 'a red star', '--record', 'r.json', '--policy', 'hlc', ...small], /policy hlc/],
  ['several prompts', [...star, 'a blue star', '--record', 'r.json'], /several prompts/],
  ['another guidance', [...star, '--guidance', '5', '--record', 'runs.json'], /other settings \(guidanceScale/],
  ['the clip itself', [...star, '-o', 'x.png', '--record', 'x.png'], /--record would write the file that --out writes/],
  ['a search beside it', ['calibrate', '--quick', '--budgets', '4', ...small], /--quick tries nothing out/],
  ['two precisions', ['calibrate', '--quick', '--precisions', 'fp32,w8a8', ...small], /cannot choose among fp32,w8a8/],
  ['several steps', ['calibrate', '--quick', '--steps', '5,6', ...small], /give one with --quick/],
])('%s is refused before anything is computed', (_, args, message) => {
  expect(run(...args, '-q')).toEqual({ status: 2, stdout: '', stderr: expect.stringMatching(message) });
});
