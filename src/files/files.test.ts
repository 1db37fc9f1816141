import { execFileSync, spawn } from 'node:child_process';
import {
  existsSync,
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
import * as z from 'zod';
import { findJson, parseJson, readJson, saveJson } from './json.ts';
import { packedNumbers, packNumbers, unpackNumbers } from './numbers.ts';
import { findPrompts, readPrompts } from './prompts.ts';
import { findBytes, findText, readRange, readText } from './read.ts';
import { assertCanWrite, saveText, writeWhole } from './write.ts';

const purpose = { what: 'a list of numbers', todo: 'Write [1, 2].' };
const numbers = z.array(z.number());

let folder: string;
const at = (name: string) => join(folder, name);
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'quantcache-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('reading', () => {
  it('tells what is not there from what cannot be read', async () => {
    expect(await findText(at('none'))).toBeUndefined();
    expect(await findJson(at('none'), numbers, purpose)).toBeUndefined();
    await expect(readText(at('none'), purpose)).rejects.toMatchObject({
      code: 'model_not_found',
      message: `There is no file ${at('none')}; it would be a list of numbers. Write [1, 2].`,
    });
    symlinkSync(at('gone'), at('link'));
    writeFileSync(at('file'), '');
    for (const [path, reason] of [
      [folder, /folder has that name/],
      [at('file/inside'), /a file, not a folder/],
      [at('link'), /link to a file that is not there/],
    ] as const) {
      const refused = { code: 'io', message: expect.stringMatching(reason) };
      await expect(findBytes(path)).rejects.toMatchObject(refused);
      await expect(readJson(path, numbers, purpose)).rejects.toMatchObject(refused);
    }
  });

  it('refuses text that is not UTF-8, and what does not end', async () => {
    for (const [name, bytes] of [
      ['latin1', Buffer.from('caf\u00e9', 'latin1')],
      ['utf16', Buffer.from('\ufeffa star', 'utf16le')],
    ] as const) {
      writeFileSync(at(name), bytes);
      await expect(readPrompts(at(name))).rejects.toMatchObject({
        code: 'corrupt_file',
        message: `${at(name)} is not text in UTF-8. Save it as UTF-8.`,
      });
    }
    if (!existsSync('/dev/zero')) return;
    await expect(readPrompts('/dev/zero')).rejects.toMatchObject({
      code: 'io',
      message: 'Cannot read /dev/zero: it does not end. Name a file.',
    });
  });

  it('names file and field of what is wrong', () => {
    expect(parseJson('[1]', 'n.json', numbers, purpose)).toEqual([1]);
    const refused = (text: string, message: RegExp) =>
      expect(() => parseJson(text, 'n.json', numbers, purpose)).toThrow(
        expect.objectContaining({ code: 'corrupt_file', message: expect.stringMatching(message) }),
      );
    refused('[1,', /^n\.json is not a list of numbers: it is not JSON\. Write \[1, 2\]\.$/);
    refused('{"a": 1, "\\u0061": 2}', /^n\.json is not a list of numbers: it has the name "a" twice\. Write/);
    refused('null', /^n\.json is not a list of numbers: must be of type array\. Write/);
    refused('[1, "a"]', /^n\.json is not a list of numbers: 1: must be of type number/);
    refused(JSON.stringify('abcdefghijklmnop'.split('')), /; 3: [^;]* and 12 more\. Write/);
  });

  it('reads a range of bytes, and says where a short file ends', async () => {
    writeFileSync(at('bytes'), 'abcdef');
    expect(new TextDecoder().decode(await readRange(at('bytes'), 2, 3))).toBe('cde');
    await expect(readRange(at('bytes'), 4, 3)).rejects.toMatchObject({
      code: 'corrupt_file',
      message: expect.stringMatching(/ends at byte 6/),
    });
  });

  it('reads prompts, of which there must be one', async () => {
    writeFileSync(at('a.txt'), '\ufeffone\r\n\n  two \n');
    writeFileSync(at('b.json'), '["one", "two"]');
    for (const name of ['a.txt', 'b.json']) expect(await readPrompts(at(name))).toEqual(['one', 'two']);
    expect(await findPrompts(at('c.txt'))).toBeUndefined();
    writeFileSync(at('c.txt'), ' \n');
    writeFileSync(at('d.json'), '[]');
    writeFileSync(at('e.json'), '[1]');
    for (const name of ['c.txt', 'd.json', 'e.json'])
      await expect(readPrompts(at(name))).rejects.toMatchObject({
        code: 'corrupt_file',
        message: expect.stringMatching(/list of prompts/),
      });
  });
});

describe('writing', () => {
  it('makes the folder, and leaves nothing beside the file', async () => {
    await saveJson(at('a/b/c.json'), { x: 1 });
    expect(readFileSync(at('a/b/c.json'), 'utf8')).toBe('{"x":1}\n');
    await saveJson(at('a/b/c.json'), { x: 1 }, 1);
    expect(readFileSync(at('a/b/c.json'), 'utf8')).toBe('{\n "x": 1\n}\n');
    expect(readdirSync(at('a/b'))).toEqual(['c.json']);
  });

  it('keeps an older file where it fails or is stopped', async () => {
    writeFileSync(at('old'), 'older');
    const fails = async () => {
      throw Object.assign(new Error('full'), { code: 'ENOSPC' });
    };
    await expect(writeWhole(at('old'), fails)).rejects.toMatchObject({
      code: 'io',
      message: `Cannot write ${at('old')}: the disk is full. Free some space or choose another place.`,
    });
    const stopped = writeWhole(at('old'), (handle) => handle.writeFile('newer'), AbortSignal.abort());
    await expect(stopped).rejects.toMatchObject({ code: 'aborted' });
    expect(readFileSync(at('old'), 'utf8')).toBe('older');
    expect(readdirSync(folder)).toEqual(['old']);
  });

  it('lets many write the same file at once: one of them is there whole, with their names equal', async () => {
    const texts = Array.from({ length: 20 }, (_, i) => String(i).repeat(10_000));
    await Promise.all(texts.map((text) => saveText(at('shared'), text)));
    expect(texts).toContain(readFileSync(at('shared'), 'utf8'));
    expect(readdirSync(folder)).toEqual(['shared']);
  });

  it('writes through links, also to files that are not there yet', async () => {
    mkdirSync(at('elsewhere'));
    symlinkSync(at('elsewhere/target'), at('link'));
    symlinkSync(at('link'), at('second'));
    for (const text of ['first', 'again']) {
      await saveText(at('second'), text);
      expect(readFileSync(at('elsewhere/target'), 'utf8')).toBe(text);
    }
    expect(readdirSync(folder).sort()).toEqual(['elsewhere', 'link', 'second']);
    symlinkSync(at('circle'), at('circle'));
    await expect(saveText(at('circle'), '')).rejects.toMatchObject({
      code: 'io',
      message: expect.stringMatching(/circle/),
    });
  });

  it.skipIf(process.platform === 'win32')('writes into a pipe, and leaves it a pipe', async () => {
    execFileSync('mkfifo', [at('pipe')]);
    const reader = spawn('cat', [at('pipe')]);
    let text = '';
    reader.stdout.on('data', (chunk) => (text += chunk));
    const ended = new Promise((resolve) => reader.on('close', resolve));
    await assertCanWrite(at('pipe'));
    await saveText(at('pipe'), 'through');
    await ended;
    expect(text).toBe('through');
    expect(readdirSync(folder)).toEqual(['pipe']);
    const unread = writeWhole(at('pipe'), async () => {}, AbortSignal.timeout(100));
    await expect(unread).rejects.toMatchObject({ code: 'aborted' });
  });

  it.runIf(existsSync('/dev/full'))('says that a disk is full', async () => {
    symlinkSync('/dev/full', at('full'));
    await expect(saveText(at('full'), 'text')).rejects.toMatchObject({
      code: 'io',
      message: expect.stringMatching(/the disk is full/),
    });
  });

  it('says beforehand what would fail', async () => {
    writeFileSync(at('file'), '');
    for (const [path, reason] of [
      [at('missing/file'), /folder does not exist/],
      [at('file/inside'), /a file, not a folder/],
      [folder, /a folder has that name/],
      [`${at('clip.mp4')}/`, /a folder has that name/],
      [at('n'.repeat(300)), /name is too long/],
    ] as const) {
      const refused = { code: 'io', message: expect.stringMatching(reason) };
      await expect(assertCanWrite(path)).rejects.toMatchObject(refused);
      await expect(writeWhole(path, async () => {})).rejects.toMatchObject(refused);
    }
    await assertCanWrite(at('new'));
    expect(readdirSync(folder)).toEqual(['file']);
  });
});

it('packs numbers to the bit', () => {
  const values = Float32Array.of(0, -0, 1 / 3, Number.NaN, Number.POSITIVE_INFINITY, 1e-45);
  expect(unpackNumbers(packNumbers(values))).toEqual(values);
});

it('takes packed numbers only where they are whole and finite', () => {
  const taken = (text: string) => packedNumbers.safeParse(text).success;
  expect(taken(packNumbers(Float32Array.of(1, 2)))).toBe(true);
  expect(taken('')).toBe(true);
  for (const wrong of ['AACA', 'AACAPw', '?', packNumbers(Float32Array.of(Number.NaN))])
    expect(taken(wrong)).toBe(false);
});
