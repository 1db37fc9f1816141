import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { assertOutputs } from './outputs.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'quantcache-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const at = (name: string) => `${folder}/${name}`;
const out = (name: string) => ({ path: at(name), option: '--out' });
const trace = (name: string) => ({ path: at(name), option: '--trace' });

describe('assertOutputs', () => {
  it('leaves nothing behind and older files as they are', async () => {
    writeFileSync(at('old'), 'older');
    await assertOutputs([out('new'), trace('old'), { path: at('a/b/c'), option: '--html', makesFolder: true }]);
    expect(readdirSync(folder)).toEqual(['old']);
    expect(readFileSync(at('old'), 'utf8')).toBe('older');
  });

  it('says what is wrong with a file', async () => {
    mkdirSync(at('folder'));
    writeFileSync(at('file'), '');
    symlinkSync('circle', at('circle'));
    const cases: [name: string, reason: RegExp][] = [
      ['missing/t.json', /folder does not exist/],
      ['file/t.json', /a file, not a folder/],
      ['folder', /a folder has that name/],
      ['clip.mp4/', /a folder has that name/],
      ['circle', /links lead in a circle/],
      ['n'.repeat(300), /name is too long/],
    ];
    for (const [name, reason] of cases)
      await expect(assertOutputs([trace(name)]), name).rejects.toMatchObject({
        code: 'io',
        message: expect.stringMatching(reason),
      });
  });

  it('names the whole path where the folders in between are yet to be made', async () => {
    writeFileSync(at('file'), '');
    const path = at('file/deep/deeper/x.html');
    await expect(assertOutputs([{ path, option: '--html', makesFolder: true }])).rejects.toMatchObject({
      code: 'io',
      message: expect.stringContaining(`Cannot write ${path}: a part of its path is a file`),
    });
  });

  it('refuses two outputs that are the same file, whatever they are called, and one that is read', async () => {
    mkdirSync(at('sub'));
    writeFileSync(at('there'), '');
    symlinkSync('there', at('link'));
    symlinkSync('absent', at('dangling'));
    symlinkSync('sub', at('alias'));
    linkSync(at('there'), at('hard'));
    const pairs = [
      ['new', 'new'],
      ['new', 'sub/../new'],
      ['there', 'link'],
      ['there', 'hard'],
      ['absent', 'dangling'],
      ['sub/new', 'alias/new'],
    ] as const;
    const refused = { code: 'invalid_option', message: expect.stringMatching(/--trace would write.*--out writes/) };
    for (const [one, other] of pairs)
      await expect(assertOutputs([out(one), trace(other)]), other).rejects.toMatchObject(refused);
    await expect(assertOutputs([out('link')], [{ path: at('there'), option: '--image' }])).rejects.toThrow(
      /--out would write the file that --image reads/,
    );
    await assertOutputs([out('there'), trace('new')]);
  });

  it('refuses a folder in place of a file that makes its folders, also in the working directory', async () => {
    const refused = { code: 'io', message: expect.stringMatching(/Cannot write src: a folder has that name/) };
    await expect(assertOutputs([{ path: 'src', option: '--out', makesFolder: true }])).rejects.toMatchObject(refused);
  });

  it.skipIf(process.platform === 'win32')('lets several outputs go to a device', async () => {
    await assertOutputs([
      { path: '/dev/null', option: '--out' },
      { path: '/dev/null', option: '--trace' },
    ]);
  });
});
