import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../../test/layers.ts';
import { defaultRecipes } from '../quantization/recipe.ts';
import type { RecipeTrial } from './recipes.ts';
import { openRecipeTrials } from './recipetrials.ts';

const folder = temporaryFolder();
const file = join(folder, 'recipes.json');
const trial: RecipeTrial = {
  precision: 'w8a8',
  name: 'token',
  recipe: defaultRecipes.w8a8,
  psnr: 54.25,
  worstPsnr: 50,
  time: 1.03,
};

test('an interrupted calibration goes on with what it tried, and removes the file when it is done', async () => {
  const first = await openRecipeTrials(file, { seed: 1 });
  expect(first.earlier).toEqual([]);
  await first.keep(trial);
  const second = await openRecipeTrials(file, { seed: 1 });
  expect(second.earlier).toEqual([trial]);
  await second.remove();
  expect(existsSync(`${file}.trials`)).toBe(false);
});

test('trials of other settings, and what is none, count for nothing', async () => {
  await (await openRecipeTrials(file, { seed: 1 })).keep(trial);
  expect((await openRecipeTrials(file, { seed: 2 })).earlier).toEqual([]);
  writeFileSync(`${file}.trials`, '{');
  expect((await openRecipeTrials(file, { seed: 1 })).earlier).toEqual([]);
});

test('a folder that cannot be written is noticed at once', async () => {
  writeFileSync(join(folder, 'occupied'), '');
  await expect(openRecipeTrials(join(folder, 'occupied', 'recipes.json'), {})).rejects.toMatchObject({ code: 'io' });
});
