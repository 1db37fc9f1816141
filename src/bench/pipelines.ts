/**
 * The pipelines that rows run on: the model as it is, and one more for every quantization recipe that a row names. They are
 * opened when first needed and stay open, which large models will not like.
 */

import { sizeOf } from '../api/models.ts';
import { activationRecorder, type QuantizationOptions, quantizationMethods } from '../api/quantization.ts';
import { createPolicy, finish, generate, type ModelOptions, openModel, type Pipeline, type Runtime } from '../index.ts';
import type { ClipOptions } from './clip.ts';
import type { Row } from './rows.ts';

export interface Pipelines extends AsyncDisposable {
  /** The model as it is. */
  readonly plain: Pipeline;
  /** What a row runs on. */
  for(row: Row): Promise<Pipeline>;
}

/** What balancing methods look at; no evaluation prompt. */
const calibration = { prompt: 'a large red star moves right over a blue background', seed: 7 };

/** Opens the model; recipes that balance channels are calibrated by one more clip, made at full computation. */
export async function openPipelines(
  runtime: Runtime,
  model: ModelOptions,
  clip: ClipOptions & { readonly numSteps: number },
): Promise<Pipelines> {
  const plain = await openModel(runtime, model);
  const opened = new Map<string, Promise<Pipeline>>();
  let maxima: ReturnType<typeof measureMaxima> | undefined;
  const open = async ({ recipe, precision }: Row): Promise<Pipeline> => {
    const chosen = quantizationMethods[recipe!]!.recipe(precision === 'w4a8' ? 4 : 8);
    if (chosen.smoothing) maxima ??= measureMaxima(runtime, model, clip);
    const quantization = { recipes: { [precision!]: chosen }, maxima: chosen.smoothing && (await maxima) };
    return openModel(runtime, { ...model, quantization });
  };
  return {
    plain,
    async for(row) {
      if (row.recipe === undefined) return plain;
      const key = `${row.recipe}@${row.precision}`;
      if (!opened.has(key)) opened.set(key, open(row));
      return opened.get(key)!;
    },
    async [Symbol.asyncDispose]() {
      for (const pipeline of await Promise.allSettled(opened.values()))
        if (pipeline.status === 'fulfilled') await pipeline.value[Symbol.asyncDispose]();
      await plain[Symbol.asyncDispose]();
    },
  };
}

/** The largest activations of a full run. */
async function measureMaxima(
  runtime: Runtime,
  model: ModelOptions,
  { numSteps, guidanceScale, signal, ...options }: ClipOptions & { readonly numSteps: number },
): Promise<QuantizationOptions['maxima']> {
  const recorder = activationRecorder();
  await using pipeline = await openModel(runtime, { ...model, quantization: { recorder } });
  await finish(
    generate(pipeline, runtime, {
      ...sizeOf(options),
      guidanceScale,
      signal,
      prompts: [calibration.prompt],
      seed: calibration.seed,
      numSteps,
      policy: createPolicy('full'),
      precision: 'fp32',
    }),
  );
  return recorder.maxima;
}
