import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../../test/layers.ts';
import { readCalibrated, recipesFile, saveCalibrated } from './calibrated.ts';
import { defaultRecipes, type Recipe } from './recipe.ts';

const folder = temporaryFolder();
const file = recipesFile(folder);
const model = (hash: string) => ({ name: 'mine', hash: async () => hash });

test('a model without a file has no recipes, and is not hashed', async () => {
  const hash = () => Promise.reject(new Error('hashed'));
  expect(await readCalibrated(folder, { name: 'mine', hash })).toBeUndefined();
});

test('what is written is read again; maxima only where something is smoothed', async () => {
  const recipe = {
    ...defaultRecipes.w8a8,
    smoothing: { alpha: 0.5, layers: ['attention-input'] },
  } as const satisfies Recipe;
  const maxima = new Map([
    ['block.attn.qkv', Float32Array.of(1, 0.1, 1e-30)],
    ['block.attn.proj', Float32Array.of(2)],
  ]);
  await saveCalibrated(file, { model: { name: 'mine', hash: 'abc' }, recipes: { w8a8: recipe }, maxima });
  const read = await readCalibrated(folder, model('abc'));
  expect(read?.recipes).toEqual({ w8a8: recipe });
  expect([...read!.maxima]).toEqual([...maxima]);
  await expect(readCalibrated(folder, model('abd'))).rejects.toThrow(/recipes.json was measured on mine \(abc\)/);
  await saveCalibrated(file, { model: { name: 'mine', hash: 'abc' }, recipes: { w8a8: defaultRecipes.w8a8 }, maxima });
  expect((await readCalibrated(folder, model('abc')))!.maxima.size).toBe(0);
});

test('a file that is something else is refused', async () => {
  const ofOtherLayers = {
    format: 'quantcache-recipes',
    version: 1,
    model: { name: 'mine', hash: 'abc' },
    recipes: { w8a8: { ...defaultRecipes.w8a8, smoothing: { alpha: 0.5, layers: ['qkv'] } } },
  };
  mkdirSync(dirname(file), { recursive: true });
  for (const text of ['{', '{"format":"quantcache-profile"}', JSON.stringify(ofOtherLayers)]) {
    writeFileSync(file, text);
    await expect(readCalibrated(folder, model('abc'))).rejects.toMatchObject({ code: 'corrupt_file' });
  }
});
