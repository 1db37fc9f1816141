/** The folder for VBench and DOVER, read as those tools read it, and names that every file system takes. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, parse } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readMetadata } from '../video/metadata.ts';
import { movingBall } from '../video/testing.ts';
import { parseRows } from './rows.ts';
import { openVbenchFolder, safeNames } from './vbench.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'quantcache-vbench-test-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const frames = movingBall({ count: 2, height: 16, width: 16, fps: 8 });
const rows = parseRows('full,teacache@w8a8:threshold=0.1', { numSteps: 30, precision: 'fp32' });
const house = 'A 3D model of a 1800s victorian house.';
const either = 'either/or: "a cat"?';
const cells = [house, either].flatMap((prompt) => [42, 43].map((seed) => ({ prompt, seed })));
const json = (path: string) => JSON.parse(readFileSync(path, 'utf8'));

/** VBench's `get_prompt_from_filename`, `vbench/utils.py`. */
const promptOfFile = (name: string) => parse(name).name.replace(/-\d+$/, '');

describe('the folder', () => {
  it('is one per row, with names that VBench takes for prompts, and a file of prompts for the others', async () => {
    const vbench = await openVbenchFolder(folder, rows, cells);
    for (const { label } of rows) for (const cell of cells) await vbench.save({ ...cell, row: label }, frames);
    expect(readdirSync(folder).sort()).toEqual(['full', 'prompts.json', 'teacache@w8a8-threshold=0.1']);
    const prompts = json(join(folder, 'prompts.json')) as Record<string, string>;
    for (const row of ['full', 'teacache@w8a8-threshold=0.1']) {
      const names = readdirSync(join(folder, row));
      // As VBench asserts: as many prompts as videos at least, and one for every video.
      expect(names.sort()).toEqual(Object.keys(prompts).sort());
      expect(names.filter((name) => promptOfFile(name) === house)).toEqual([`${house}-0.mp4`, `${house}-1.mp4`]);
    }
    expect(Object.values(prompts).sort()).toEqual(cells.map(({ prompt }) => prompt).sort());
    const odd = Object.keys(prompts).find((name) => prompts[name] === either)!;
    expect(odd).toBe('either-or- -a cat--0.mp4');
    const metadata = await readMetadata(join(folder, 'full', `${house}-1.mp4`));
    expect(metadata).toEqual({ row: 'full', prompt: house, seed: 43 });
  });

  it('is continued, and knows which clips it has', async () => {
    const clip = { ...cells[0]!, row: 'full' };
    const first = await openVbenchFolder(folder, rows, cells);
    expect(await first.has(clip)).toBe(false);
    await first.save(clip, frames);
    const again = await openVbenchFolder(folder, rows, cells);
    expect(await again.has(clip)).toBe(true);
    expect(await again.has({ ...clip, seed: 43 })).toBe(false);
  });

  it('is refused where it has clips of other prompts', async () => {
    await openVbenchFolder(folder, rows, cells);
    writeFileSync(join(folder, 'full', 'something else-0.mp4'), '');
    await expect(openVbenchFolder(folder, rows, cells)).rejects.toMatchObject({
      code: 'invalid_option',
      message: expect.stringContaining('"something else-0.mp4"'),
    });
  });

  it('cannot be where a file is', async () => {
    writeFileSync(join(folder, 'taken'), '');
    await expect(openVbenchFolder(join(folder, 'taken'), rows, cells)).rejects.toMatchObject({ code: 'io' });
  });

  it('a clip that cannot be saved leaves nothing behind', async () => {
    const vbench = await openVbenchFolder(folder, rows, cells);
    const controller = new AbortController();
    controller.abort();
    await expect(vbench.save({ ...cells[0]!, row: 'full' }, frames, controller.signal)).rejects.toMatchObject({
      code: 'aborted',
    });
    expect(readdirSync(join(folder, 'full'))).toEqual([]);
  });
});

describe('names', () => {
  it('keep what is safe, as VBench’s own prompts are', () => {
    const safe = [house, "It's 50% (a, b) #1 @home; naïve 日本", 'snow -1'];
    expect(safeNames(safe)).toEqual(safe);
  });

  it.each([
    ['a:b', 'a-b'],
    ['../up', '..-up'],
    ['line\nbreak\u0000', 'line-break-'],
    ['nul', '_nul'],
    ['COM1.star', '_COM1.star'],
    ['console', 'console'],
    ['', '_'],
  ])('%j becomes %j', (text, name) => {
    expect(safeNames([text])).toEqual([name]);
  });

  it('are told apart where characters or case would not do it', () => {
    const names = safeNames(['a:b', 'a/b', 'A-B', 'other']);
    expect(new Set(names.map((name) => name.toLowerCase())).size).toBe(4);
    expect(names[3]).toBe('other');
    for (const name of names.slice(0, 3)) expect(name).toMatch(/^a-b-[0-9a-f]{8}$/i);
  });

  it('are cut at whole characters and told apart then', () => {
    const long = '桜'.repeat(300);
    const names = safeNames([`${long}1`, `${long}2`]);
    expect(new Set(names).size).toBe(2);
    for (const name of names) {
      expect(Buffer.byteLength(`${name}-0.mp4`)).toBeLessThan(230);
      expect(name).toMatch(/^桜+-[0-9a-f]{8}$/);
    }
  });
});
