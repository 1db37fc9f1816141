/** States of prompts on disk: found again, for nobody else, bounded, and never in the way. */
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import type { TextContext } from '../../model.ts';
import { textCache } from './textcache.ts';

let folder: string;
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'quantcache-text-')), 'text');
});

const context = (value: number): TextContext => ({
  states: new Float32Array(2 * 3 * 4).fill(value),
  dims: [2, 3, 4],
  mask: [
    [1, 1, 0],
    [1, 1, 1],
  ],
});

test('what was kept is found by its key alone', async () => {
  const cache = textCache(folder);
  expect(await cache.find({ ids: [1] })).toBeUndefined();
  await cache.keep({ ids: [1] }, context(1.5));
  const unmasked: TextContext = { states: Float32Array.of(1, 2), dims: [1, 1, 2] };
  await cache.keep({ ids: [2] }, unmasked);
  expect(await textCache(folder).find({ ids: [1] })).toEqual(context(1.5));
  expect(await textCache(folder).find({ ids: [2] })).toEqual(unmasked);
  expect(await cache.find({ ids: [3] })).toBeUndefined();
});

test.skipIf(process.platform === 'win32')('files are for their owner alone', async () => {
  await textCache(folder).keep({ ids: [1] }, context(1));
  const modes = readdirSync(folder).map((name) => statSync(join(folder, name)).mode & 0o777);
  expect(modes).toEqual([0o600]);
});

test('of too many bytes, what was used longest ago goes', async () => {
  const size = async () => {
    await textCache(folder).keep({ ids: [0] }, context(0));
    const [name] = readdirSync(folder);
    return statSync(join(folder, name!)).size;
  };
  const cache = textCache(folder, 2.5 * (await size()));
  const aged = (hours: number) => {
    for (const name of readdirSync(folder)) {
      const time = statSync(join(folder, name)).mtimeMs / 1000 - 3600 * hours;
      utimesSync(join(folder, name), time, time);
    }
  };
  aged(1);
  await cache.keep({ ids: [1] }, context(1));
  aged(1);
  await cache.find({ ids: [0] });
  await cache.keep({ ids: [2] }, context(2));
  expect([await cache.find({ ids: [0] }), await cache.find({ ids: [2] })]).toEqual([context(0), context(2)]);
  expect(await cache.find({ ids: [1] })).toBeUndefined();
});

test('what was changed or cut is not used, and a folder that is none stops nothing', async () => {
  const cache = textCache(folder);
  await cache.keep({ ids: [1] }, context(1));
  const path = join(folder, readdirSync(folder)[0]!);
  const bytes = readFileSync(path);
  const changed = Buffer.from(bytes);
  changed[changed.length - 20]! ^= 1;
  for (const content of [changed, bytes.subarray(0, 50), Buffer.from('{}')]) {
    writeFileSync(path, content);
    expect(await cache.find({ ids: [1] })).toBeUndefined();
  }
  rmSync(folder, { recursive: true });
  mkdirSync(join(folder, '..'), { recursive: true });
  writeFileSync(folder, 'a file');
  await cache.keep({ ids: [1] }, context(1));
  expect(await cache.find({ ids: [1] })).toBeUndefined();
});
