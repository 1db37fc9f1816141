/** Recipes tried so far, as a file beside the one they are tried for: an interrupted calibration goes on from it. */
import { rm } from 'node:fs/promises';
import * as z from 'zod';
import { QuantCacheError } from '../errors.ts';
import { findJson, saveJson } from '../files/json.ts';
import { recipeSchema } from '../quantization/recipe.ts';
import type { RecipeTrial } from './recipes.ts';

const schema = z.strictObject({
  format: z.literal('quantcache-recipe-trials'),
  version: z.literal(1),
  /** What the trials depend on. */
  settings: z.string(),
  trials: z.array(
    z.strictObject({
      precision: z.enum(['w8a8', 'w4a8', 'w4a6']),
      name: z.string(),
      recipe: recipeSchema,
      psnr: z.number(),
      worstPsnr: z.number(),
      time: z.number(),
    }),
  ),
});

export interface RecipeTrials {
  /** What an earlier calibration with the same settings tried. */
  readonly earlier: readonly RecipeTrial[];
  /** Keeps one more. */
  keep(trial: RecipeTrial): Promise<void>;
  /** Removes the file, when its content has become recipes. */
  remove(): Promise<void>;
}

/** Opens the trials beside `file`, and writes them, so that a folder that cannot be written is noticed at the beginning. */
export async function openRecipeTrials(file: string, settings: unknown): Promise<RecipeTrials> {
  const path = `${file}.trials`;
  const key = JSON.stringify(settings);
  const trials = await readTrials(path, key);
  const save = () => saveJson(path, { format: 'quantcache-recipe-trials', version: 1, settings: key, trials });
  await save();
  return {
    earlier: [...trials],
    async keep(trial) {
      trials.push(trial);
      await save();
    },
    remove: () => rm(path, { force: true }),
  };
}

/** Trials of the same settings; none where the file is missing, broken or about something else. */
async function readTrials(path: string, key: string): Promise<RecipeTrial[]> {
  const found = await findJson(path, schema, { what: 'a file of tried recipes', todo: 'Remove it.' }).catch(isBroken);
  return found?.settings === key ? found.trials : [];
}

function isBroken(error: unknown): undefined {
  if (!(error instanceof QuantCacheError) || error.code !== 'corrupt_file') throw error;
}
