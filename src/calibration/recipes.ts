/**
 * Which recipe serves an integer precision best on a model: one scale per row or for all of a sample, with smoothing and with
 * rotation or without. Each is run in full on a few prompts, beside the default recipe so that a busy machine is busy for
 * both, and compared with full fp32 computation on the same seed.
 */

import { median } from '../metrics/median.ts';
import type { ModelOptions } from '../models/family.ts';
import { checkOptionNames, type OptionNames } from '../options.ts';
import type { Pipeline } from '../pipeline.ts';
import { activationRecorder } from '../quantization/activations.ts';
import { defaultRecipes, type IntegerPrecision, type Recipe } from '../quantization/recipe.ts';
import { rotation, smoothing } from '../quantization/recipes.ts';
import type { ActivationMaxima } from '../quantization/smoothing.ts';
import type { Backend, Runtime } from '../runtime/runtime.ts';
import { type MadeClip, makeClip, qualityOf } from './candidate.ts';
import { type MeasuringOptions, measuringNames } from './measure.ts';

/** A recipe that was tried. */
export interface RecipeTrial {
  readonly precision: IntegerPrecision;
  /** Such as `sample, smoothed`. */
  readonly name: string;
  readonly recipe: Recipe;
  /** Decibels against full fp32 computation, of the median clip and of the worst. */
  readonly psnr: number;
  readonly worstPsnr: number;
  /** Time to denoise over that of the default recipe, the median of clips made in turns. */
  readonly time: number;
}

export type RecipeEvent =
  | { readonly type: 'reference'; readonly prompt: string; readonly milliseconds: number }
  | { readonly type: 'recipe'; readonly trial: RecipeTrial };

/** The recipes of a precision by name, the default one first. */
export function recipesToTry(precision: IntegerPrecision, backend: Backend): ReadonlyMap<string, Recipe> {
  const plain = defaultRecipes[precision];
  const scales = { token: plain.activations, sample: { bits: 8, granularity: 'sample' } } as const;
  const perSample = backend === 'cpu' && plain.activations.bits === 8;
  const extras = {
    '': {},
    smoothed: { smoothing },
    rotated: { rotation },
    'smoothed, rotated': { smoothing, rotation },
  };
  return new Map(
    Object.entries(scales)
      .filter(([name]) => name === 'token' || perSample)
      .flatMap(([name, activations]) =>
        Object.entries(extras).map(([extra, more]): [string, Recipe] => [
          extra ? `${name}, ${extra}` : name,
          { weights: plain.weights, activations, ...more },
        ]),
      ),
  );
}

/** Times so near each other count as one, and so do qualities. */
const negligible = { time: 1.05, decibels: 0.5 };

/**
 * Of the recipes that are exact enough one of the fastest, the most exact of them; where none is enough, one of the most
 * exact, the fastest of them. Where that leaves several, the first, which is the simplest.
 */
export function pickRecipe(trials: readonly [RecipeTrial, ...RecipeTrial[]], leastPsnr: number): RecipeTrial {
  const quick = (list: readonly RecipeTrial[]) => {
    const fastest = Math.min(...list.map(({ time }) => time));
    return list.filter(({ time }) => time <= fastest * negligible.time);
  };
  const near = (list: readonly RecipeTrial[]) => {
    const best = Math.max(...list.map(({ psnr }) => psnr));
    return list.filter(({ psnr }) => psnr >= best - negligible.decibels);
  };
  const enough = trials.filter(({ psnr }) => psnr >= leastPsnr);
  return (enough.length > 0 ? near(quick(enough)) : quick(near(trials)))[0]!;
}

/** Opens the model with other recipes, or watched by a recorder. */
type Open = (quantization: NonNullable<ModelOptions['quantization']>) => Promise<Pipeline>;

interface Tried {
  readonly trials: readonly RecipeTrial[];
  /** The largest activations that smoothing was computed from. */
  readonly maxima: ActivationMaxima;
}

export interface RecipesOptions extends MeasuringOptions {
  readonly precisions: readonly IntegerPrecision[];
  /** What need not be tried again. */
  readonly earlier?: readonly RecipeTrial[];
}

const optionNames: OptionNames<RecipesOptions> = { ...measuringNames, precisions: true, earlier: true };

/** Tries all recipes of some precisions at the first number of steps. Throws what `generate` throws. */
export async function* tryRecipes(
  open: Open,
  runtime: Runtime,
  options: RecipesOptions,
): AsyncGenerator<RecipeEvent, Tried> {
  checkOptionNames(options, optionNames, 'tryRecipes()');
  const [numSteps] = options.numSteps as [number];
  const clip = (pipeline: Pipeline, prompt: number, precision?: IntegerPrecision) =>
    makeClip(pipeline, runtime, options, { prompt, numSteps, precision });
  const recorder = activationRecorder();
  const references: MadeClip[] = [];
  {
    await using watched = await open({ recorder });
    for (const [i, prompt] of options.prompts.entries()) {
      references.push(await clip(watched, i));
      yield { type: 'reference', prompt, milliseconds: references[i]!.total };
    }
  }
  const trials: RecipeTrial[] = [];
  for (const precision of options.precisions) {
    await using beside = await open({ recipes: { [precision]: defaultRecipes[precision] } });
    await clip(beside, 0, precision); // compiles, and does not count
    for (const [name, recipe] of recipesToTry(precision, runtime.backend)) {
      const known = options.earlier?.find((trial) => trial.precision === precision && trial.name === name);
      if (known) {
        trials.push(known);
        continue;
      }
      await using pipeline = await open({ recipes: { [precision]: recipe }, maxima: recorder.maxima });
      await clip(pipeline, 0, precision);
      const qualities: number[] = [];
      const ratios: number[] = [];
      for (const [i, reference] of references.entries()) {
        const made = await clip(pipeline, i, precision);
        ratios.push(made.denoise / (await clip(beside, i, precision)).denoise);
        qualities.push(qualityOf(made, reference));
      }
      const worstPsnr = Math.min(...qualities);
      const trial = { precision, name, recipe, psnr: median(qualities), worstPsnr, time: median(ratios) };
      trials.push(trial);
      yield { type: 'recipe', trial };
    }
  }
  return { trials, maxima: recorder.maxima };
}
