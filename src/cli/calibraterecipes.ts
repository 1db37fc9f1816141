/** `quantcache calibrate --recipes`: finds what integer precisions are to mean for a model. */

import { openRecipeTrials, pickRecipe, type RecipesOptions, type RecipeTrial, tryRecipes } from '../api/calibration.ts';
import { recipesFile, saveCalibrated } from '../api/quantization.ts';
import { assertOutputs } from '../files/outputs.ts';
import { finish, type Pipeline, QuantCacheError, type Runtime } from '../index.ts';
import { type Progress, seconds } from './progress.ts';

/** Decibels that a recipe must reach in full computation, far above what reuse leaves of a clip. */
const enough = 45;

export interface RecipesRequest {
  readonly options: RecipesOptions;
  readonly open: Parameters<typeof tryRecipes>[0];
  readonly runtime: Runtime;
  /** The model as it is. */
  readonly pipeline: Pipeline;
  readonly out?: string;
  readonly quality?: number;
  readonly progress: Progress;
}

/** Tries the recipes, writes the chosen ones into the model's folder or to `out`, and returns the file with its trials. */
export async function calibrateRecipes({ options, open, runtime, pipeline, out, quality, progress }: RecipesRequest) {
  const file = out ?? recipesFile(pipeline.folder);
  await assertOutputs([{ path: file, option: '--out', makesFolder: true }]);
  const model = { name: pipeline.model, hash: await pipeline.hash() };
  const { prompts, seed, numSteps, guidanceScale } = options;
  const settings = { model, prompts, seed, numSteps: numSteps[0], guidanceScale, geometry: pipeline.geometry(options) };
  const kept = await openRecipeTrials(file, settings);
  const run = tryRecipes(open, runtime, { ...options, earlier: kept.earlier });
  const { trials, maxima } = await finish(run, async (event) => {
    if (event.type === 'reference') return progress.note(`float32: ${seconds(event.milliseconds)}, ${event.prompt}`);
    progress.note(describe(event.trial));
    await kept.keep(event.trial);
  });
  const chosen = options.precisions.map((precision) => {
    const own = trials.filter((trial) => trial.precision === precision);
    return pickRecipe(own as [RecipeTrial, ...RecipeTrial[]], quality ?? enough);
  });
  const missed = chosen.filter(({ psnr }) => quality !== undefined && psnr < quality);
  if (missed.length > 0)
    throw new QuantCacheError(
      'target_missed',
      `${missed.map(shortfallOf).join(' ')} That is less than the ${quality} dB asked for: ${file} is not written. Ask for less.`,
    );
  for (const trial of chosen) progress.note(`chosen: ${describe(trial)}`);
  const recipes = Object.fromEntries(chosen.map(({ precision, recipe }) => [precision, recipe]));
  await saveCalibrated(file, { model, recipes, maxima, measured: { prompts, trials: trials.map(figures) } });
  await kept.remove();
  return { file, trials };
}

const shortfallOf = ({ precision, name, psnr }: RecipeTrial): string =>
  `The most exact recipe of ${precision}, ${name}, makes ${psnr.toFixed(1)} dB.`;

const figures = ({ recipe: _, ...figures }: RecipeTrial) => figures;

const describe = ({ precision, name, psnr, worstPsnr, time }: RecipeTrial): string =>
  `${precision}, ${name}: ${psnr.toFixed(1)} dB (worst ${worstPsnr.toFixed(1)}), ${time.toFixed(2)} of the default's time`;
