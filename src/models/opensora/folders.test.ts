import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../../../test/layers.ts';
import { publishedCoefficients } from './coefficients.ts';
import { findFolders, readConfig } from './folders.ts';

const root = temporaryFolder();
let count = 0;
function folderOf(files: Readonly<Record<string, unknown>>): string {
  const folder = join(root, String(count++));
  mkdirSync(folder);
  for (const [name, content] of Object.entries(files))
    writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
  return folder;
}

const own = {
  transformer: 'net',
  vae: 'pixels',
  textEncoder: 'text',
  defaults: { height: 24, width: 36, numFrames: 17, fps: 8, numSteps: 2, guidanceScale: 3 },
  timestepTransformBaseResolution: 40,
};

describe('a folder of the published transformer alone', () => {
  test("is run as Open-Sora 1.2's own inference runs it", async () => {
    const [folder, companion] = [folderOf({}), folderOf({})];
    const found = await findFolders(folder, { vae: companion, textEncoder: companion });
    expect(found).toEqual({
      transformer: folder,
      vae: companion,
      textEncoder: companion,
      settings: {
        defaults: { height: 240, width: 426, numFrames: 51, fps: 24, numSteps: 30, guidanceScale: 7 },
        prompt: { aestheticScore: 6.5 },
        timestepBaseResolution: 512 ** 2,
        policies: publishedCoefficients,
      },
    });
  });
});

describe('a folder with its own settings', () => {
  test('says where its parts are and what it is run with', async () => {
    const folder = folderOf({ 'quantcache.json': own });
    expect(await findFolders(folder, {})).toEqual({
      transformer: join(folder, 'net'),
      vae: join(folder, 'pixels'),
      textEncoder: join(folder, 'text'),
      settings: { defaults: own.defaults, prompt: { aestheticScore: null }, timestepBaseResolution: 1600 },
    });
  });

  test('gives way where a VAE or a text encoder is named, each for itself', async () => {
    const [folder, other] = [folderOf({ 'quantcache.json': own }), folderOf({})];
    const parts = (found: Awaited<ReturnType<typeof findFolders>>) => [found.vae, found.textEncoder];
    expect(parts(await findFolders(folder, { vae: other }))).toEqual([other, join(folder, 'text')]);
    expect(parts(await findFolders(folder, { textEncoder: other }))).toEqual([join(folder, 'pixels'), other]);
  });

  test('has a score and recipes where it names them', async () => {
    const recipes = { w8a8: { weights: { bits: 8 }, activations: { bits: 8, granularity: 'sample' } } };
    const folder = folderOf({
      'quantcache.json': { ...own, defaults: { ...own.defaults, aestheticScore: 5 }, recipes },
    });
    const { settings } = await findFolders(folder, {});
    expect(settings.prompt).toEqual({ aestheticScore: 5 });
    expect(settings.recipes).toMatchObject(recipes);
  });

  test.each([
    ['no JSON', '{', /is not JSON/],
    ['a length of nothing', { ...own, defaults: { ...own.defaults, numFrames: 0 } }, /numFrames/],
    ['no VAE', { ...own, vae: undefined }, /vae/],
    [
      'a part that lies elsewhere',
      { ...own, transformer: '../../net' },
      /transformer: needed is a name of what lies in/,
    ],
    ['a part by an absolute path', { ...own, textEncoder: '/text' }, /textEncoder: needed is a name/],
  ])('is refused with %s', async (_, content, message) => {
    const finding = findFolders(folderOf({ 'quantcache.json': content }), {});
    await expect(finding).rejects.toMatchObject({ code: 'corrupt_file', message: expect.stringMatching(message) });
  });
});

test('a config may be missing where all of it has defaults', async () => {
  const parse = (json: unknown) => json;
  expect(await readConfig(folderOf({}), parse, true)).toEqual({});
  await expect(readConfig(folderOf({}), parse)).rejects.toMatchObject({ code: 'model_not_found' });
  expect(await readConfig(folderOf({ 'config.json': { a: 1 } }), parse, true)).toEqual({ a: 1 });
});
