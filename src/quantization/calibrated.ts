/**
 * What integer precisions mean for one model, found by `quantcache calibrate --recipes`: a file `profiles/recipes.json` in
 * the model's folder, which every later run of an integer precision follows. Bound to the model's weights.
 */
import { join } from 'node:path';
import * as z from 'zod';
import { findJson, saveJson } from '../files/json.ts';
import { packedNumbers, packNumbers, unpackNumbers } from '../files/numbers.ts';
import { assertSameWeights } from '../weights/bound.ts';
import type { QuantizationOptions } from './quantizer.ts';
import { recipesSchema } from './recipe.ts';
import type { ActivationMaxima } from './smoothing.ts';

const schema = z.strictObject({
  format: z.literal('quantcache-recipes'),
  version: z.literal(1),
  model: z.strictObject({ name: z.string(), hash: z.string() }),
  recipes: recipesSchema,
  /** Largest activations by layer, where a recipe smooths. */
  maxima: z.record(z.string(), packedNumbers).default({}),
  /** What calibration measured, for people. */
  measured: z.unknown().optional(),
});

/** What a model's own file says of integer precisions. */
export type CalibratedRecipes = Required<Pick<QuantizationOptions, 'recipes' | 'maxima'>>;

/** Where a model's recipes lie. */
export const recipesFile = (folder: string): string => join(folder, 'profiles', 'recipes.json');

/**
 * The recipes of a model folder; undefined where it has none. Throws `corrupt_file`, and `weights_mismatch` for recipes of
 * other weights. `hash` is asked for only where there is a file.
 */
export async function readCalibrated(
  folder: string,
  model: { readonly name: string; hash(): Promise<string> },
): Promise<CalibratedRecipes | undefined> {
  const file = recipesFile(folder);
  const document = await findJson(file, schema, {
    what: 'a file of recipes of this version',
    todo: 'Write it with "quantcache calibrate --recipes", or remove it.',
  });
  if (!document) return undefined;
  const { recipes, maxima, model: measured } = document;
  assertSameWeights(file, measured, { name: model.name, hash: await model.hash() });
  return { recipes, maxima: new Map(Object.entries(maxima).map(([name, numbers]) => [name, unpackNumbers(numbers)])) };
}

/** Writes recipes and, where one of them smooths, the maxima; whole or not at all. */
export async function saveCalibrated(
  file: string,
  { model, recipes, maxima, measured }: CalibratedRecipes & Pick<z.input<typeof schema>, 'model' | 'measured'>,
): Promise<void> {
  const smooths = Object.values(recipes).some(({ smoothing }) => smoothing !== undefined);
  const document: z.input<typeof schema> = {
    format: 'quantcache-recipes',
    version: 1,
    model,
    recipes,
    maxima: smooths
      ? Object.fromEntries([...(maxima as ActivationMaxima)].map(([name, values]) => [name, packNumbers(values)]))
      : {},
    measured,
  };
  await saveJson(file, document, 1);
}
