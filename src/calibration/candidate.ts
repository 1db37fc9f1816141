/** Ways to run that calibration tries: as options of `quantcache`, and what they are worth on the prompts. */
import { finish, generate } from '../generate.ts';
import { median } from '../metrics/median.ts';
import { psnr } from '../metrics/psnr.ts';
import type { Precision } from '../model.ts';
import { type Pipeline, sizeOf } from '../pipeline.ts';
import { full } from '../policies/full.ts';
import { quantcache } from '../policies/quantcache/index.ts';
import type { Averages } from '../policies/quantcache/leaping/averages.ts';
import type { LeapPlan } from '../policies/quantcache/leaps.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { Trace } from '../trace.ts';
import { framesOf } from '../video/frames.ts';
import { type CostModel, costsOf, type PredictedTime, predictTime, type TimedRun } from './cost.ts';
import type { MeasuringOptions } from './measure.ts';

/** A way to run that was tried on all prompts. */
export interface Candidate {
  readonly numSteps: number;
  readonly outer: OuterLevel;
  readonly precision: Precision;
  /** Threshold of `srap`; 0 leaves out nothing. */
  readonly pruning: number;
  /** Computed steps of a clip, the mean over the prompts. */
  readonly computed: number;
  /** Blocks left out, all prompts together. */
  readonly leftOut: number;
  /** Medians over the prompts. Speed-ups are against full fp32 computation at the same number of steps. */
  readonly psnr: number;
  readonly worstPsnr: number;
  readonly speedup: number;
  readonly denoiseSpeedup: number;
  readonly predictedSpeedup: number;
  /** How the runs' own estimates did: the mean of what they were short of, in decibels, and its standard deviation. */
  readonly estimates?: { readonly bias: number; readonly spread: number };
}

/** The outer level of caching: a plan for a number of steps, or leaps that follow the clip. */
export type OuterLevel = { readonly plan: LeapPlan } | { readonly leaps: LeapsOptions };

/** Options of leaps that follow the clip. */
export interface LeapsOptions {
  readonly quality: number;
  readonly averages: Averages;
}

/** What a candidate is, before it is tried. */
export type Setting = Pick<Candidate, 'numSteps' | 'outer' | 'precision' | 'pruning'>;

/** The options of `quantcache` that a candidate stands for, with the plans of several numbers of steps. */
export function optionsOf(candidates: readonly [Setting, ...Setting[]]) {
  const [{ precision, pruning }] = candidates;
  const rounded = (value: number) => Number(value.toFixed(6));
  const shortened = (plan: LeapPlan): LeapPlan =>
    plan.map(({ step, latents, outputs }) => ({
      step,
      latents: rounded(latents),
      outputs: outputs.map((weights) => weights.map(rounded)),
    }));
  const planned = candidates.flatMap(({ numSteps, outer }) =>
    'plan' in outer ? [[numSteps, shortened(outer.plan)] as const] : [],
  );
  const following = candidates.flatMap(({ outer }) => ('leaps' in outer ? [outer.leaps] : []));
  return {
    srap: pruning > 0 && { threshold: pruning },
    hlc: { plans: Object.fromEntries(planned), leaps: following[0] ?? (false as const) },
    aigq: precision !== 'fp32' && {
      ladder: [[precision, 0]] as [Precision, number][],
      available: ['fp32' as const, precision],
    },
  };
}

/** A clip that was made to be compared. */
export interface MadeClip extends TimedRun {
  /** Bytes as they are shown. */
  readonly pixels: Uint8Array;
  readonly trace: Pick<Trace, 'decisions' | 'measurements'>;
}

/** Decibels of a clip against another. */
export const qualityOf = (clip: MadeClip, reference: MadeClip): number => psnr(reference.pixels, clip.pixels);

/** What clip to make: of a prompt, by number, by a setting, or by full computation in a precision. */
interface ClipRequest {
  readonly prompt: number;
  readonly numSteps: number;
  readonly setting?: Setting;
  readonly precision?: Precision;
}

/** Makes a clip. */
export async function makeClip(
  pipeline: Pipeline,
  runtime: Runtime,
  options: MeasuringOptions,
  { prompt, numSteps, setting, precision }: ClipRequest,
): Promise<MadeClip> {
  const began = performance.now();
  const run = generate(pipeline, runtime, {
    ...sizeOf(options),
    guidanceScale: options.guidanceScale,
    signal: options.signal,
    prompts: [options.prompts[prompt]!],
    seed: options.seed + prompt,
    numSteps,
    policy: setting ? quantcache(optionsOf([setting])) : full(),
    precision,
  });
  const { videos, times, trace, fps } = await finish(run);
  const total = performance.now() - began;
  const pixels = framesOf(videos[0]!, fps).data;
  return { pixels, trace, numSteps, denoise: times.denoise, total };
}

interface Trial {
  readonly setting: Setting;
  readonly references: readonly MadeClip[];
  readonly costs: CostModel | undefined;
  /** Takes the runs made, for later predictions. */
  readonly runs: TimedRun[];
}

/** A setting that was tried, and the clips that it made. */
export interface Tried {
  readonly candidate: Candidate;
  readonly clips: readonly MadeClip[];
}

/** Runs a setting on all prompts. */
export async function tryOut(
  pipeline: Pipeline,
  runtime: Runtime,
  options: MeasuringOptions,
  { setting, references, costs, runs }: Trial,
): Promise<Tried> {
  const { numSteps, precision } = setting;
  const knowsCost = costs?.computed.has(precision);
  if (!knowsCost) await makeClip(pipeline, runtime, options, { prompt: 0, numSteps, setting }); // compiles
  const clips: MadeClip[] = [];
  for (const prompt of options.prompts.keys())
    clips.push(await makeClip(pipeline, runtime, options, { prompt, numSteps, setting }));
  runs.push(...clips);
  const ratios = (time: keyof PredictedTime) => clips.map((clip, i) => references[i]![time] / clip[time]);
  const qualities = clips.map((clip, i) => qualityOf(clip, references[i]!));
  const computed = mean(clips.map(({ trace }) => computedSteps(trace)));
  const predicted = predictTime(costs && knowsCost ? costs : costsOf(runs), {
    numSteps,
    computed,
    precision,
  });
  const misses = clips.flatMap(({ trace }, i) => {
    const estimate = estimateOf(trace);
    return estimate === undefined ? [] : [qualities[i]! - estimate];
  });
  const candidate = {
    ...setting,
    computed,
    leftOut: clips.reduce((sum, { trace }) => sum + leftOutOf(trace), 0),
    psnr: median(qualities),
    worstPsnr: Math.min(...qualities),
    speedup: median(ratios('total')),
    denoiseSpeedup: median(ratios('denoise')),
    predictedSpeedup: median(references.map(({ total }) => total)) / predicted.total,
    ...(misses.length > 0 && { estimates: { bias: mean(misses), spread: deviation(misses) } }),
  };
  return { candidate, clips };
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const deviation = (values: readonly number[]): number => {
  const middle = mean(values);
  return Math.sqrt(mean(values.map((value) => (value - middle) ** 2)));
};

const computedSteps = ({ decisions }: MadeClip['trace']): number =>
  decisions.filter(({ level, did }) => level === 'step' && did === 'compute').length;

/** What a run said at its end of its own quality. */
const estimateOf = ({ measurements }: MadeClip['trace']): number | undefined =>
  measurements.findLast(({ values }) => values.quality !== undefined)?.values.quality;

const leftOutOf = ({ decisions }: MadeClip['trace']): number =>
  decisions.filter(({ level, did }) => level === 'block' && did !== 'compute').length;
