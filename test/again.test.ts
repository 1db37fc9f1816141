/** A clip that is made again from what its file says: the same bytes. Runs the built program. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { readMetadata } from '../src/api/video.ts';
import { makeFrames } from '../src/video/frames.ts';
import { saveVideo } from '../src/video/save.ts';

const folder = mkdtempSync(join(tmpdir(), 'quantcache-again-'));
const star = 'a large red star moves right over a blue background';
const circle = 'a small white circle spins over a black background';

function runIn(place: string, ...args: string[]) {
  const program = resolve('dist/cli/main.js');
  const { status, stderr } = spawnSync(process.execPath, [program, 'generate', ...args, '--quiet'], {
    cwd: join(folder, place),
    encoding: 'utf8',
  });
  return { status, stderr };
}

const run = (...args: string[]) => runIn('.', ...args);

/** Fails unless a command succeeds; returns what it says. */
function made(...args: string[]): string {
  const { status, stderr } = run(...args);
  expect([status, stderr]).toEqual([0, expect.any(String)]);
  return stderr;
}

const bytes = (name: string) => readFileSync(join(folder, name));
const picture = (file: string, shade: number) =>
  saveVideo(
    makeFrames(new Uint8Array(32 * 32 * 3).fill(shade), { count: 1, width: 32, height: 32, fps: 1 }),
    join(folder, file),
  );

test('the default profile, followed', () => {
  made(star, '--seed', '7', '-o', 'star.mp4');
  expect(made('--from', 'star.mp4', '-o', 'star-again.mp4')).toBe('');
  expect(bytes('star-again.mp4').equals(bytes('star.mp4'))).toBe(true);
});

test('the second of two prompts, alone', () => {
  made(star, circle, '--frames', '1', '--steps', '3', '--precision', 'w8a8', '-o', 'pair.png');
  made('--from', 'pair-2.png', '-o', 'second.png');
  expect(bytes('second.png').equals(bytes('pair-2.png'))).toBe(true);
  expect(bytes('second.png').equals(bytes('pair-1.png'))).toBe(false);
});

describe('with pictures and loops', () => {
  const prompt = `${star} {"reference_path": "named.png", "mask_strategy": "0,1"}`;
  const settings = ['--loops', '2', '--frames', '34', '--size', '32x32', '--steps', '2', '--policy', 'teacache'];

  beforeAll(async () => {
    await picture('first.png', 200);
    await picture('named.png', 90);
    await picture('other.png', 3);
    made(prompt, '--image', 'first.png', ...settings, '--guidance', '3', '--threads', '1', '-o', 'loops.gif');
  }, 120_000);

  test('the same bytes, by the same number of threads', () => {
    expect(made('--from', 'loops.gif', '-o', 'loops-again.gif')).not.toMatch(/bytes may differ/);
    expect(bytes('loops-again.gif').equals(bytes('loops.gif'))).toBe(true);
  });

  test('also where the picture lies elsewhere now', () => {
    copyFileSync(join(folder, 'first.png'), join(folder, 'moved.png'));
    made('--from', 'loops.gif', '--image', 'moved.png', '-o', 'loops-moved.gif');
    expect(bytes('loops-moved.gif').equals(bytes('loops.gif'))).toBe(true);
  });

  test('from another folder: pictures are found by their content beside the clip and above it', () => {
    mkdirSync(join(folder, 'out/deep'), { recursive: true });
    mkdirSync(join(folder, 'else'));
    copyFileSync(join(folder, 'loops.gif'), join(folder, 'out/deep/loops.gif'));
    copyFileSync(join(folder, 'other.png'), join(folder, 'out/first.png')); // nearer, but another picture
    expect(runIn('else', '--from', '../out/deep/loops.gif', '-o', 'found.gif').status).toBe(0);
    expect(bytes('else/found.gif').equals(bytes('loops.gif'))).toBe(true);
    expect(bytes('loops.gif').includes(folder)).toBe(false);
  });

  test('another number of threads is said in one line', () => {
    const said = made('--from', 'loops.gif', '--threads', '2', '-o', 'loops-two.gif');
    expect(said.match(/bytes may differ/g)).toHaveLength(1);
  });

  test.each<[string, () => void | Promise<void>, RegExp]>([
    ['another picture', () => picture('named.png', 91), /another picture than named\.png/],
    [
      'a missing one',
      () => renameSync(join(folder, 'first.png'), join(folder, 'away.png')),
      /no picture first\.png\. Looked from .*named with --image/,
    ],
  ])('%s is refused', async (_, change, message) => {
    await change();
    const { status, stderr } = run('--from', 'loops.gif', '-o', 'refused.gif');
    expect(stderr).toMatch(message);
    expect(status).not.toBe(0);
    expect(existsSync(join(folder, 'refused.gif'))).toBe(false);
  });
});

test.each<[string, string[], RegExp]>([
  ['a prompt', ['--from', 'star.mp4', star, '-o', 'x.mp4'], /--from takes the prompt from star\.mp4/],
  ['options of the run', ['--from', 'star.mp4', '--seed', '3', '-o', 'x.mp4'], /Nothing would read --seed here/],
  ['to overwrite it', ['--from', 'star.mp4', '-o', './star.mp4'], /--out would write the file that --from reads/],
  ['an image that it had not', ['--from', 'star.mp4', '--image', 'first.png', '-o', 'x.mp4'], /made without an image/],
  ['a picture of something else', ['--from', 'other.png', '-o', 'x.mp4'], /does not say how it was made/],
  ['no file', ['--from', 'none.mp4', '-o', 'x.mp4'], /none\.mp4/],
])('refuses %s', async (_, args, message) => {
  const { status, stderr } = run(...args);
  expect(stderr).toMatch(message);
  expect(status).not.toBe(0);
  expect(stderr).not.toMatch(/^\s+at /m);
});

test('a file of an earlier version is told from one that holds nothing', async () => {
  writeFileSync(join(folder, 'text.mp4'), 'text');
  expect(run('--from', 'text.mp4', '-o', 'x.mp4').status).toBe(1);
  expect((await readMetadata(join(folder, 'star.mp4')))?.format).toBe('quantcache-clip');
});
