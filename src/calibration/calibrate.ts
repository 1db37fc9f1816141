/**
 * Calibration of `quantcache` on a model: measures on a few prompts what residuals do (`effects.ts`), makes the best plan
 * of every budget of computed steps (`plan.ts`), runs each with every precision and pruning cap in question, and picks for
 * each target the candidate that serves it best. An async generator: progress and stopping belong to the caller.
 *
 * What is picked was run, and its quality is that of the clips it made against full fp32 computation on the same seed.
 */
import { finish, generate } from '../generate.ts';
import { openLoop } from '../loop.ts';
import { psnr } from '../metrics/psnr.ts';
import type { Precision } from '../model.ts';
import type { Pipeline, SizeRequest } from '../pipeline.ts';
import { full } from '../policies/full.ts';
import { quantcache } from '../policies/quantcache/index.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { torchGenerator } from '../samplers/random.ts';
import { type CostModel, costsOf, median, type PredictedTime, predictTime, type TimedRun } from './cost.ts';
import { measureEffects } from './effects.ts';
import type { Measurements, PromptMeasurement } from './measurements.ts';
import { bestPlan, type Grams, type PlannedRun } from './plan.ts';

/** What to measure. */
export interface MeasuringOptions extends SizeRequest {
  readonly prompts: readonly string[];
  /** Seed of the first prompt; the others count up. */
  readonly seed: number;
  /** Numbers of steps to make plans for. */
  readonly numSteps: readonly number[];
  readonly guidanceScale?: number;
  readonly signal?: AbortSignal;
}

export interface CalibrationOptions extends MeasuringOptions {
  /** Precisions to try, beside fp32. */
  readonly precisions: readonly Precision[];
  /** Budgets to try, as numbers of computed steps. */
  readonly budgets: readonly number[];
}

/** A way to run that was tried on all prompts. */
export interface Candidate {
  readonly numSteps: number;
  readonly planned: PlannedRun;
  readonly precision: Precision;
  /** Threshold of `srap`; 0 leaves out nothing. */
  readonly pruning: number;
  /** Medians over the prompts. Speed-ups are against full fp32 computation at the same number of steps. */
  readonly psnr: number;
  readonly worstPsnr: number;
  readonly speedup: number;
  readonly denoiseSpeedup: number;
  readonly predictedSpeedup: number;
}

export type MeasuringEvent =
  | { readonly type: 'prompt'; readonly numSteps: number; readonly measurements: Measurements }
  | { readonly type: 'step'; readonly prompt: string; readonly step: number; readonly numSteps: number };

export type CalibrationEvent =
  | MeasuringEvent
  | { readonly type: 'reference'; readonly prompt: string; readonly milliseconds: number }
  | { readonly type: 'candidate'; readonly candidate: Candidate };

/** Thresholds of pruning that are tried. */
const pruningThresholds = [0, 0.03];

/** Measures and tries everything; `earlier` is not measured again. Throws what `generate` throws. */
export async function* calibrate(
  pipeline: Pipeline,
  runtime: Runtime,
  options: CalibrationOptions,
  earlier: Measurements,
): AsyncGenerator<CalibrationEvent, Candidate[]> {
  const measurements = yield* measure(pipeline, runtime, options, earlier);
  const candidates: Candidate[] = [];
  for (const numSteps of options.numSteps) {
    const references: MadeClip[] = [];
    const runs: TimedRun[] = [];
    await makeClip(pipeline, runtime, options, { prompt: 0, numSteps }); // compiles, and does not count
    for (const [prompt, text] of options.prompts.entries()) {
      const reference = await makeClip(pipeline, runtime, options, { prompt, numSteps });
      references.push(reference);
      yield { type: 'reference', prompt: text, milliseconds: reference.total };
    }
    const grams = sumOf(measurements.prompts.filter((one) => one.numSteps === numSteps));
    for (const precision of options.precisions) {
      for (const pruning of pruningThresholds) {
        for (const budget of options.budgets.filter((count) => count < numSteps)) {
          const setting = { numSteps, precision, pruning, planned: bestPlan({ grams, budget }) };
          const costs: CostModel | undefined = runs.length > 0 ? costsOf(runs) : undefined;
          const candidate = await tryOut(pipeline, runtime, options, { setting, references, costs, runs });
          candidates.push(candidate);
          yield { type: 'candidate', candidate };
        }
      }
    }
  }
  return candidates;
}

/** The measuring alone. */
export async function* measure(
  pipeline: Pipeline,
  runtime: Runtime,
  options: MeasuringOptions,
  earlier: Measurements,
): AsyncGenerator<MeasuringEvent, Measurements> {
  let measurements = earlier;
  const geometry = pipeline.geometry(options);
  for (const numSteps of options.numSteps) {
    for (const [i, prompt] of options.prompts.entries()) {
      const seed = options.seed + i;
      const known = (one: PromptMeasurement) => one.prompt === prompt && one.seed === seed && one.numSteps === numSteps;
      if (measurements.prompts.some(known)) continue;
      const { randn } = torchGenerator(seed);
      const { channels, frames, height, width } = geometry.latent;
      await using loop = await openLoop(pipeline, runtime, {
        text: await pipeline.encodeText([pipeline.prepare(prompt).textFor(0)], options.signal),
        geometry,
        timesteps: pipeline.timesteps(geometry, numSteps),
        guidanceScale: options.guidanceScale ?? pipeline.defaults.guidanceScale,
        noise: randn(channels * frames * height * width),
        randn,
        signal: options.signal,
      });
      const run = measureEffects(runtime, loop.options);
      let next = await run.next();
      for (; !next.done; next = await run.next()) yield { type: 'step', prompt, step: next.value, numSteps };
      const { grams, changes } = next.value;
      const measured = {
        prompt,
        seed,
        numSteps,
        grams: grams.map((gram) => gram.map((row) => [...row])),
        changes: [...changes],
      };
      measurements = { ...measurements, prompts: [...measurements.prompts, measured] };
      yield { type: 'prompt', numSteps, measurements };
    }
  }
  return measurements;
}

/** Gram matrices of all prompts, added. */
const sumOf = (prompts: readonly PromptMeasurement[]): Grams =>
  prompts[0]!.grams.map((gram, step) =>
    gram.map((row, i) => row.map((_, j) => prompts.reduce((sum, { grams }) => sum + grams[step]![i]![j]!, 0))),
  );

type Setting = Pick<Candidate, 'numSteps' | 'planned' | 'precision' | 'pruning'>;

/** The options of `quantcache` that a candidate stands for, with the plans of several numbers of steps. */
export function optionsOf(candidates: readonly [Setting, ...Setting[]]) {
  const [{ precision, pruning }] = candidates;
  const rounded = (plan: PlannedRun['plan']) =>
    plan.map((weights) => weights.map((weight) => Number(weight.toFixed(6))));
  return {
    srap: pruning > 0 && { threshold: pruning },
    hlc: { plans: Object.fromEntries(candidates.map(({ numSteps, planned }) => [numSteps, rounded(planned.plan)])) },
    aigq: precision !== 'fp32' && {
      ladder: [[precision, 0]] as [Precision, number][],
      available: ['fp32' as const, precision],
    },
  };
}

interface MadeClip extends TimedRun {
  readonly pixels: Float32Array;
}

async function makeClip(
  pipeline: Pipeline,
  runtime: Runtime,
  options: CalibrationOptions,
  { prompt, numSteps, setting }: { prompt: number; numSteps: number; setting?: Setting },
): Promise<MadeClip> {
  const began = performance.now();
  const run = generate(pipeline, runtime, {
    ...options,
    prompts: [options.prompts[prompt]!],
    seed: options.seed + prompt,
    numSteps,
    policy: setting ? quantcache(optionsOf([setting])) : full(),
  });
  const { videos, times, trace } = await finish(run);
  return { pixels: videos[0]!.data, trace, numSteps, denoise: times.denoise, total: performance.now() - began };
}

interface Trial {
  readonly setting: Setting;
  readonly references: readonly MadeClip[];
  readonly costs: CostModel | undefined;
  /** Takes the runs made, for later predictions. */
  readonly runs: TimedRun[];
}

/** Runs a setting on all prompts. */
async function tryOut(
  pipeline: Pipeline,
  runtime: Runtime,
  options: CalibrationOptions,
  { setting, references, costs, runs }: Trial,
): Promise<Candidate> {
  const { numSteps, precision, planned } = setting;
  const knowsCost = [...(costs?.modules.keys() ?? [])].some((key) => key.endsWith(` ${precision}`));
  if (!knowsCost) await makeClip(pipeline, runtime, options, { prompt: 0, numSteps, setting }); // compiles
  const clips: MadeClip[] = [];
  for (const prompt of options.prompts.keys())
    clips.push(await makeClip(pipeline, runtime, options, { prompt, numSteps, setting }));
  runs.push(...clips);
  const ratios = (time: keyof PredictedTime) => clips.map((clip, i) => references[i]![time] / clip[time]);
  const qualities = clips.map(({ pixels }, i) => psnr(bytesOf(references[i]!.pixels), bytesOf(pixels)));
  const predicted = predictTime(costs && knowsCost ? costs : costsOf(runs), {
    numSteps,
    computed: planned.computed.length,
    precision,
  });
  return {
    ...setting,
    psnr: median(qualities),
    worstPsnr: Math.min(...qualities),
    speedup: median(ratios('total')),
    denoiseSpeedup: median(ratios('denoise')),
    predictedSpeedup: median(references.map(({ total }) => total)) / predicted.total,
  };
}

/** Pixels in [-1, 1] as they are shown. */
const bytesOf = (pixels: Float32Array): Uint8Array =>
  Uint8Array.from(pixels, (value) => Math.round((Math.min(1, Math.max(-1, value)) + 1) * 127.5));
