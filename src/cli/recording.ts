/** `generate --record`: a run of full computation that calibration can use later, because it was recorded while it made a clip. */
import { createRecorder, loadMeasurements, saveMeasurements, withRun } from '../api/calibration.ts';
import { samplerNamed } from '../api/models.ts';
import { type DecidedOptions, type GenerateResult, type Pipeline, QuantCacheError, type Runtime } from '../index.ts';
import type { Progress } from './progress.ts';

interface RecordingOptions {
  readonly pipeline: Pipeline;
  readonly runtime: Runtime;
  readonly run: DecidedOptions;
  readonly progress: Pick<Progress, 'note'>;
}

/**
 * What to run with, and what to call with the result. Throws `invalid_option` for runs that calibration cannot use, and for a
 * file that was recorded with other settings.
 */
export async function recordInto(file: string, { pipeline, runtime, run, progress }: RecordingOptions) {
  assertUsable(pipeline, run);
  const model = { name: pipeline.model, hash: await pipeline.hash() };
  const settings = { model, guidanceScale: run.guidanceScale, geometry: pipeline.geometry(run) };
  const { policy, finish } = createRecorder(runtime);
  await loadMeasurements(file, settings);
  return {
    policy,
    /** Adds the run to the file. */
    async save({ latents }: Pick<GenerateResult, 'latents'>): Promise<void> {
      const recorded = finish(latents);
      if (!recorded) return progress.note(`warning: ${file} has no record of this run: it began without --record.`);
      const clip = { prompt: run.prompts[0]!, seed: Number(run.seed), numSteps: run.numSteps };
      await saveMeasurements(file, withRun(await loadMeasurements(file, settings), clip, recorded));
    },
  };
}

function assertUsable(pipeline: Pipeline, run: DecidedOptions): void {
  const { name } = samplerNamed(pipeline);
  const unfit = [
    run.policy !== 'full' && `policy ${run.policy}, not full`,
    (run.precision ?? 'fp32') !== 'fp32' && `precision ${run.precision}, not fp32`,
    run.prompts.length > 1 && 'several prompts',
    run.loops > 1 && 'several loops',
    run.image !== undefined && 'an image',
    run.negativePrompt !== undefined && 'a negative prompt',
    run.familyOptions !== undefined && 'options that change the prompt',
    run.sampler !== name && `sampler ${run.sampler}, not ${name}`,
    !Number.isSafeInteger(Number(run.seed)) && `seed ${run.seed}, above ${Number.MAX_SAFE_INTEGER}`,
  ].filter((reason) => reason !== false);
  if (unfit.length === 0) return;
  throw new QuantCacheError(
    'invalid_option',
    `--record takes one clip of one prompt by full computation, and the run has ${unfit.join(', ')}. Leave out --record, or add --policy full.`,
  );
}
