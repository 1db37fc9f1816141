/**
 * Verifies `adacache_sample` cases: a sampling run under AdaCache, with every number it decided by, the steps it computed,
 * the latents at every step, and the same run without a cache.
 */

import * as z from 'zod';
import type { Runtime } from '../../../runtime/runtime.ts';
import { createTrace, type Trace } from '../../../trace.ts';
import type { Comparison, PolicyMaker, ReferenceCase } from '../../../verification/case.ts';
import { sampleCase, samplingSchema } from './rflow.ts';

/** AdaCache's configuration, in the words of the original. */
const adacacheSchema = z.object({
  num_sampling_steps: z.int().positive(),
  cache_res: z.enum(['t-attn', 's-attn', 'ca-mlp']),
  cache_loc: z.array(z.int()),
  codebook: z.array(z.tuple([z.number(), z.number()])),
  apply_moreg: z.boolean().optional(),
  moreg_strides: z.array(z.int()).optional(),
  moreg_steps: z.tuple([z.int(), z.int()]).optional(),
  moreg_hyp: z.array(z.number()).optional(),
  mograd_mul: z.number().optional(),
});

/** What the original logged at each decision. */
const decisionSchema = z.object({
  step: z.int(),
  raw_rel_l1: z.number(),
  prev_rate: z.number(),
  avg_diff_across_layers: z.number(),
  moreg_after: z.number(),
  metric: z.number(),
  new_rate: z.number(),
});
type LoggedDecision = z.output<typeof decisionSchema>;

const schema = z.object({
  config: samplingSchema.omit({ num_sampling_steps: true }).extend({ adacache: adacacheSchema }),
  decisions: z.array(decisionSchema),
  /** Texts that list steps: `[1, 4, 8]`. */
  recomputed: z.array(
    z
      .string()
      .regex(/\[.*\]/)
      .transform((text) => /\[(.*)\]/.exec(text)![1]!.split(',').map(Number)),
  ),
});

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
export async function* verifyAdacache(
  runtime: Runtime,
  reference: ReferenceCase,
  createPolicy: PolicyMaker,
): AsyncGenerator<Comparison> {
  const logged = reference.parse(schema);
  const { adacache: config, ...sampling } = logged.config;
  const steps = { ...sampling, num_sampling_steps: config.num_sampling_steps };
  const trace = createTrace();
  const run = sampleCase(runtime, reference, steps, createPolicy('adacache', optionsOf(config)), trace);
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
  yield* compareDecisions(logged, trace);

  const plain = sampleCase(runtime, reference, steps, createPolicy('full'), createTrace());
  let last = await plain.next();
  while (!last.done) last = await plain.next();
  const tensor = 'outputs/z_final_nocache';
  yield { tensor, expected: (await reference.read(tensor)).data, actual: last.value.latents };
}

function optionsOf(config: z.output<typeof adacacheSchema>): Record<string, unknown> {
  const options = { codebook: config.codebook, probe: probes[config.cache_res], blocks: config.cache_loc };
  if (!config.apply_moreg) return options;
  return {
    ...options,
    motion: true,
    motionStrides: config.moreg_strides,
    motionSteps: config.moreg_steps,
    motionScale: config.moreg_hyp?.slice(0, 3),
    motionGradient: config.mograd_mul,
  };
}

function* compareDecisions({ decisions, recomputed }: z.output<typeof schema>, trace: Trace): Generator<Comparison> {
  const measured = trace.measurements.filter(({ values }) => 'metric' in values);
  yield {
    tensor: 'decisions/step',
    expected: decisions.map(({ step }) => step),
    actual: measured.map(({ step }) => step + 1),
  };
  for (const [name, value] of Object.entries(measuredNames) as [keyof typeof measuredNames, string][]) {
    const actual = measured.map(({ values }) => values[value]!);
    yield { tensor: `decisions/${name}`, expected: decisions.map((decision) => decision[name]), actual };
  }
  const computed = trace.decisions.filter(({ level, did }) => level === 'step' && did === 'compute');
  yield { tensor: 'recomputed', expected: recomputed.flat(), actual: computed.map(({ step }) => step + 1) };
}
