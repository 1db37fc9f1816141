/**
 * Verifies `adacache_sample` cases: a sampling run under AdaCache, with every number it decided by, the steps it computed,
 * the latents at every step, and the same run without a cache.
 */

import type * as z from 'zod';
import { adacache, type adacacheOptions } from '../../../policies/adacache.ts';
import { full } from '../../../policies/full.ts';
import type { Runtime } from '../../../runtime/runtime.ts';
import { createTrace, type Trace } from '../../../trace.ts';
import type { Comparison, ReferenceCase } from '../../../verification/case.ts';
import { type SamplingConfig, sampleCase } from './rflow.ts';

/** AdaCache's configuration, in the words of the original. */
interface AdaCacheConfig {
  readonly num_sampling_steps: number;
  readonly cache_res: 't-attn' | 's-attn' | 'ca-mlp';
  readonly cache_loc: number[];
  readonly codebook: [number, number][];
  readonly apply_moreg?: boolean;
  readonly moreg_strides?: number[];
  readonly moreg_steps?: [number, number];
  readonly moreg_hyp?: number[];
  readonly mograd_mul?: number;
}

/** What the original logged at each decision. */
interface LoggedDecision {
  readonly step: number;
  readonly raw_rel_l1: number;
  readonly prev_rate: number;
  readonly avg_diff_across_layers: number;
  readonly moreg_after: number;
  readonly metric: number;
  readonly new_rate: number;
}

const probes = {
  't-attn': 'temporal-attention',
  's-attn': 'spatial-attention',
  'ca-mlp': 'cross-attention+feed-forward',
} as const;

/** The measured value that each logged one is compared with. */
const measuredNames: Record<Exclude<keyof LoggedDecision, 'step'>, string> = {
  raw_rel_l1: 'change',
  prev_rate: 'rate',
  avg_diff_across_layers: 'average',
  moreg_after: 'motion',
  metric: 'metric',
  new_rate: 'nextRate',
};

/** Compares a run under AdaCache with the original's, decision by decision. */
export async function* verifyAdacache(runtime: Runtime, reference: ReferenceCase): AsyncGenerator<Comparison> {
  const { adacache: config, ...sampling } = reference.json.config as SamplingConfig & { adacache: AdaCacheConfig };
  const steps = { ...sampling, num_sampling_steps: config.num_sampling_steps };
  const trace = createTrace();
  const run = sampleCase(runtime, reference, steps, adacache(optionsOf(config)), trace);
  let result = await run.next();
  for (; !result.done; result = await run.next()) {
    const tensor = `inter/step${result.value.step}.z_in`;
    yield { tensor, expected: (await reference.read(tensor)).data, actual: result.value.input };
  }
  yield {
    tensor: 'outputs/z_final',
    expected: (await reference.read('outputs/z_final')).data,
    actual: result.value.latents,
  };
  yield* compareDecisions(reference, trace);

  const plain = sampleCase(runtime, reference, steps, full(), createTrace());
  let last = await plain.next();
  while (!last.done) last = await plain.next();
  const tensor = 'outputs/z_final_nocache';
  yield { tensor, expected: (await reference.read(tensor)).data, actual: last.value.latents };
}

function optionsOf(config: AdaCacheConfig): z.input<typeof adacacheOptions> {
  const options = { codebook: config.codebook, probe: probes[config.cache_res], blocks: config.cache_loc };
  if (!config.apply_moreg) return options;
  return {
    ...options,
    motion: true,
    motionStrides: config.moreg_strides,
    motionSteps: config.moreg_steps,
    motionScale: config.moreg_hyp?.slice(0, 3) as [number, number, number],
    motionGradient: config.mograd_mul,
  };
}

function* compareDecisions({ json }: ReferenceCase, trace: Trace): Generator<Comparison> {
  const logged = json.decisions as LoggedDecision[];
  const measured = trace.measurements.filter(({ values }) => 'metric' in values);
  yield {
    tensor: 'decisions/step',
    expected: logged.map(({ step }) => step),
    actual: measured.map(({ step }) => step + 1),
  };
  for (const [name, value] of Object.entries(measuredNames) as [keyof typeof measuredNames, string][]) {
    const actual = measured.map(({ values }) => values[value]!);
    yield { tensor: `decisions/${name}`, expected: logged.map((decision) => decision[name]), actual };
  }
  const computed = trace.decisions.filter(({ level, did }) => level === 'step' && did === 'compute');
  const recomputed = (json.recomputed as string[]).flatMap((text) =>
    text
      .match(/\[(.*)\]/)![1]!
      .split(',')
      .map(Number),
  );
  yield { tensor: 'recomputed', expected: recomputed, actual: computed.map(({ step }) => step + 1) };
}
