/** Previews as a user meets them: a picture that grows beside the clip, by the map that calibration writes. Runs the built program. */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import sharp from 'sharp';
import { afterAll, describe, expect, test } from 'vitest';
import { psnr } from '../src/metrics/psnr.ts';

const folder = mkdtempSync(join(tmpdir(), 'quantcache-previews-'));
const prompt = 'a large red star moves right over a blue background';
const path = (name: string) => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(...args: string[]) {
  const program = [resolve('dist/cli/main.js'), ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, program, { cwd: folder, encoding: 'utf8' });
  return { status, stdout, stderr };
}
const full = ['--policy', 'full', '--steps', '6'];
const one = ['--policy', 'full', '--steps', '1'];

/** Pixels of one frame of the embedded model within a larger picture. */
const cut = (name: string, left: number, top: number) =>
  sharp(path(name)).extract({ left, top, width: 64, height: 64 }).removeAlpha().raw().toBuffer();

describe('generate --preview', () => {
  test('shows a row for each computed step, nearer and nearer to the clip, and changes no byte of it', async () => {
    const quiet = run('generate', prompt, '-o', 'plain.png', '--quiet', ...full);
    expect(quiet.stderr).toBe('');
    const shown = run('generate', prompt, '--preview', 'always', '-o', 'star.png', '--quiet', ...full);
    expect(shown).toEqual({ status: 0, stdout: 'star.png\n', stderr: '' });
    expect(readFileSync(path('star.png')).equals(readFileSync(path('plain.png')))).toBe(true);
    const { width, height } = await sharp(path('star.preview.png')).metadata();
    expect([width, height]).toEqual([5 * 65 - 1, 6 * 65 - 1]);
    // The last of the 17 frames begins the fifth row of the contact sheet.
    const last = await cut('star.png', 0, 4 * 66);
    const likeness = async (row: number) => psnr(last, await cut('star.preview.png', 4 * 65, row * 65));
    expect(await likeness(5)).toBeGreaterThan(14);
    expect(await likeness(5)).toBeGreaterThan((await likeness(0)) + 1);
  });

  test('says where a run was too short for one, and writes none', () => {
    const { status, stderr } = run('generate', prompt, '-o', 'short.mp4', '--steps', '1', '--preview');
    expect([status, stderr]).toEqual([0, expect.stringContaining('too short for a preview; --preview always')]);
    expect(existsSync(path('short.preview.png'))).toBe(false);
  });

  test('explains what it cannot do', () => {
    const swallowed = run('generate', '--preview', prompt);
    expect([swallowed.status, swallowed.stderr]).toEqual([
      2,
      expect.stringMatching(/auto or always.*prompt before it/),
    ]);
    const taken = run('generate', prompt, '-o', 'a.mp4', '--trace', 'a.preview.png', '--preview', 'always');
    expect([taken.status, taken.stderr]).toEqual([
      2,
      expect.stringMatching(/--trace would write the file that --preview/),
    ]);
  });
});

describe('calibrate --preview', () => {
  const map = () => path('model/profiles/preview.json');

  test('the embedded model comes with a map of its present weights', () => {
    const profile = (name: string) => JSON.parse(readFileSync(`models/demo/profiles/${name}.json`, 'utf8'));
    expect(profile('preview').model).toEqual(profile('balanced').model);
    expect(profile('preview').measured.unseen).toBeGreaterThanOrEqual(8);
    expect(profile('preview').measured.psnr).toBeGreaterThan(18);
  });

  test('writes a map into the model, which is refused without and for other weights', () => {
    cpSync(resolve('models/demo'), path('model'), { recursive: true });
    rmSync(map());
    const make = () => run('generate', prompt, '-m', 'model', '-o', 'm.png', '--preview', 'always', '-q', ...one);
    expect(make()).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/no map for previews.*calibrate --preview/),
    });
    const fitted = run('calibrate', '--preview', '-m', 'model', '--prompts', '2', '--steps', '2', '--quiet', '--json');
    expect(fitted.stderr).toBe('');
    const { measured } = JSON.parse(fitted.stdout);
    expect(measured).toMatchObject({ fitted: 1, unseen: 1 });
    expect(JSON.parse(readFileSync(map(), 'utf8'))).toMatchObject({ channels: 4, block: 4, measured });
    expect(make()).toMatchObject({ status: 0, stderr: '' });
    expect(existsSync(path('m.preview.png'))).toBe(true);
    const other = { ...JSON.parse(readFileSync(map(), 'utf8')), model: { name: 'other', hash: '0123456789abcdef' } };
    writeFileSync(map(), JSON.stringify(other));
    expect(make()).toMatchObject({ status: 1, stderr: expect.stringMatching(/preview.json was measured on other/) });
  });

  test('explains what it has no use for', () => {
    const explained = (...args: string[]) => run('calibrate', '--preview', ...args);
    expect(explained('--speedup', '2')).toMatchObject({ status: 2, stderr: expect.stringContaining('--speedup') });
    expect(explained('--steps', '4,8')).toMatchObject({ status: 2, stderr: expect.stringContaining('--preview') });
    expect(explained('--prompts', '1')).toMatchObject({ status: 2, stderr: expect.stringContaining('two prompts') });
  });
});
