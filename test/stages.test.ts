/** The stages of a run apart, and runs that go on where they were killed, as a user would. Runs the built program. */
import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'quantcache-stages-'));
const program = resolve('dist/cli/main.js');
const small = resolve('test/fixtures/pipeline');
const star = 'a large red star moves right over a blue background';
const settings = ['--size', '32x32', '--policy', 'full', '--threads', '1', '-q'];

function run(...args: string[]) {
  const { status, stderr } = spawnSync(process.execPath, [program, ...args], { cwd: folder, encoding: 'utf8' });
  return { status, stderr };
}
const made = (...args: string[]) => expect(run(...args)).toEqual({ status: 0, stderr: '' });
const bytes = (name: string) => readFileSync(join(folder, name));
const write = (name: string, content: string | Buffer) => writeFileSync(join(folder, name), content);
const at = (name: string) => join(folder, name);

describe('text and latents', () => {
  beforeAll(() => {
    const saving = ['--save-text', 'star.text', '--save-latents', 'star.latents'];
    made('generate', star, ...settings, '--steps', '2', ...saving, '-o', 'star.mp4');
    write('cut.text', bytes('star.text').subarray(0, 300));
    write('cut.latents', bytes('star.latents').subarray(0, -4));
    write('foreign', 'hello, world');
  }, 60_000);

  test('latents give the bytes of the clip', () => {
    made('decode', 'star.latents', '--threads', '1', '-q', '-o', 'decoded.mp4');
    expect(bytes('decoded.mp4').equals(bytes('star.mp4'))).toBe(true);
  });

  test('encoded prompts give its frames', () => {
    made('generate', '--from-text', 'star.text', ...settings, '--steps', '2', '--save-latents', 'again', '-o', 'b.mp4');
    made('decode', 'again', '--threads', '1', '-q', '-o', 'b-decoded.mp4');
    expect(bytes('b-decoded.mp4').equals(bytes('b.mp4'))).toBe(true);
    const numbers = (file: string) => bytes(file).subarray(-4 * 4 * 5 * 4 * 4); // float32 [4, 5, 4, 4]
    expect(numbers('again').equals(numbers('star.latents'))).toBe(true);
  });

  test.each<[string, string[], number, RegExp]>([
    ['latents that are not there', ['decode', 'none'], 1, /no file none/],
    ['cut latents', ['decode', 'cut.latents'], 1, /cut\.latents is not a valid safetensors file/],
    ['a foreign file', ['decode', 'foreign'], 1, /foreign is not a valid safetensors file/],
    ['text to decode', ['decode', 'star.text'], 1, /not a file of latents.*--save-latents/],
    ['a clip to decode', ['decode', 'star.mp4'], 1, /star\.mp4 is not/],
    ['a folder to decode', ['decode', '.'], 1, /not a file/],
    ['another model', ['decode', 'star.latents', '-m', small], 1, /made with other weights of demo/],
    ['too little memory', ['decode', 'star.latents', '--memory', '50MB'], 2, /do not fit.*--memory allows 50 MB/],
    ['cut text', ['generate', '--from-text', 'cut.text', ...settings], 1, /cut\.text is not a valid/],
    ['latents as text', ['generate', '--from-text', 'star.latents', ...settings], 1, /not a file of encoded prompts/],
    ['a prompt beside it', ['generate', star, '--from-text', 'star.text'], 2, /leave out what is given/],
    ['a text of other options', ['generate', '--from-text', 'star.text', '--aesthetic-score', '6'], 2, /score: 6/],
    ['no such option', ['generate', '--from-text', 'star.text', '--negative-prompt', 'x'], 2, /no negative prompt/],
    ['text of guidance', ['generate', '--from-text', 'star.text', '--guidance', '1'], 2, /with guidance.*has none/],
    ['text for another model', ['generate', '--from-text', 'star.text', '-m', small, ...settings], 2, /128 wide/],
    ['latents over the state', ['generate', star, '--save-latents', 'video.mp4.partial'], 2, /--resume reads/],
  ])('%s', (_, args, status, message) => {
    const outcome = run(...args, '-q');
    expect(outcome).toEqual({ status, stderr: expect.stringMatching(message) });
    expect(outcome.stderr).not.toMatch(/\n\s+at |onnxruntime:/);
    expect(existsSync(at('video.mp4'))).toBe(false);
  });
});

describe('a run that was killed', () => {
  const args = [star, ...settings, '--steps', '12', '--keep-after', '0', '-o', 'killed.mp4'];
  const state = 'killed.mp4.partial';

  beforeAll(async () => {
    made('generate', ...args.with(-1, 'whole.mp4'));
    const child = spawn(process.execPath, [program, 'generate', ...args], { cwd: folder, stdio: 'ignore' });
    const ended = new Promise((done) => child.once('close', done));
    while (child.exitCode === null && !existsSync(at(state))) await wait(5);
    child.kill('SIGKILL');
    await ended;
    copyFileSync(at(state), at('state'));
  }, 60_000);

  test.each<[string, string[], RegExp]>([
    ['another seed', ['--seed', '7'], /killed\.mp4\.partial is of another run: seed was 42, now 7/],
    ['other steps', ['--steps', '13'], /numSteps was 12, now 13/],
    ['other threads', ['--threads', '2'], /runtime and its threads/],
    ['another model', ['-m', small], /weights of the model/],
  ])('is not gone on with for %s', (_, more, message) => {
    expect(run('generate', ...args, ...more, '--resume')).toEqual({
      status: 2,
      stderr: expect.stringMatching(message),
    });
  });

  test('is not gone on with from a state that was changed or is none', () => {
    const changed = bytes('state');
    changed[changed.length - 1]! ^= 1;
    for (const content of [changed, bytes('state').subarray(0, 2000), Buffer.from('hello')]) {
      write(state, content);
      const { status, stderr } = run('generate', ...args, '--resume');
      expect([status, stderr]).toEqual([1, expect.stringMatching(/not the state of a run.*begin again without/)]);
    }
  });

  test('is gone on with to the same bytes, and leaves no state', () => {
    copyFileSync(at('state'), at(state));
    made('generate', ...args, '--resume');
    expect(bytes('killed.mp4').equals(bytes('whole.mp4'))).toBe(true);
    expect(existsSync(at(state))).toBe(false);
    expect(run('generate', ...args, '--resume')).toEqual({ status: 1, stderr: expect.stringMatching(/to go on from/) });
  });
});
