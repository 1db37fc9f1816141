/**
 * The suite that every policy passes, on a tiny network with random weights: it computes everything when told to be
 * careful, keeps no state between runs, reuses nothing that it has not seen, distrusts statistics that are not numbers,
 * holds nothing after a run that was stopped, goes on from a saved state to the same numbers, and decides today what it
 * decided yesterday.
 *
 * Golden decisions are in `fixtures/<policy>.json`; `UPDATE_GOLDEN_TRACES=1` writes them anew.
 */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { denoise } from '../denoise.ts';
import { findJson, saveJson } from '../files/json.ts';
import type { LoopOptions } from '../loop.ts';
import type { Precision } from '../model.ts';
import type { Stdit3 } from '../models/opensora/stdit3/network.ts';
import { tinyConfig, tinyGeometry, tinyStdit3, tinyText } from '../models/opensora/stdit3/testing.ts';
import { rflowSchedule } from '../models/opensora/timesteps.ts';
import type { Policy } from '../policy.ts';
import { decodeState, type EncodedState, encodeState } from '../run/savedstate.ts';
import { type Arithmetic, createArithmetic } from '../runtime/arithmetic.ts';
import { createRuntime } from '../runtime/node.ts';
import type { Runtime, Tensor } from '../runtime/runtime.ts';
import { euler } from '../samplers/euler.ts';
import { torchGenerator } from '../samplers/random.ts';
import { createRunState, type RunState } from '../state.ts';
import { createTrace, type Trace } from '../trace.ts';
import { bytesOf } from '../weights/dtypes.ts';
import { createPolicy, policies } from './index.ts';

/** What the suite has to know of a policy. */
export interface PolicyUnderTest {
  /** Options under which it computes everything. */
  readonly conservative: Readonly<Record<string, unknown>>;
  /** Option sets whose decisions are kept, by a name for each; each must save something on the tiny network. */
  readonly variants: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** A tiny network and what it needs to sample. */
export interface Bench {
  readonly runtime: Runtime;
  readonly network: Stdit3;
  /** Everything that the loop of one clip runs on, for one run. */
  open(numSteps?: number): Promise<AsyncDisposable & { readonly options: LoopOptions }>;
  /** Samples under a policy and returns the final latents. */
  sample(policy: Policy, options?: SampleOptions): Promise<Float32Array>;
  close(): Promise<void>;
}

export interface SampleOptions {
  readonly trace?: Trace;
  readonly signal?: AbortSignal;
  /** Changes the arithmetic that the policy is given. */
  readonly arithmetic?: (arithmetic: Arithmetic) => Arithmetic;
  /** Default 12. */
  readonly numSteps?: number;
  /** Default fp32. */
  readonly precision?: Precision;
  readonly state?: RunState;
  /** Told after each step at which the run can be saved; the run waits. */
  readonly onStep?: (step: number) => Promise<void>;
}

/** Makes the tiny network on the CPU. */
export async function createBench(): Promise<Bench> {
  const runtime = await createRuntime({ threads: 1 });
  const network = await tinyStdit3(runtime);
  return {
    runtime,
    network,
    open: (numSteps) => openTiny(runtime, network, numSteps),
    sample: (policy, options = {}) => sample(runtime, network, policy, options),
    async close() {
      await network.close();
      await runtime[Symbol.asyncDispose]();
    },
  };
}

async function openTiny(runtime: Runtime, network: Stdit3, numSteps = 12) {
  const { height, width, numFrames, latent } = tinyGeometry;
  const { timesteps, noiseLevels } = rflowSchedule({ steps: numSteps, height, width, frames: numFrames });
  const text = { conditional: tinyText(), unconditional: await network.nullCaption() };
  const denoiser = await network.begin({ text, geometry: tinyGeometry });
  const guidanceScale = 3;
  const sampler = euler(runtime, { noiseLevels, guidanceScale, guided: true, channels: tinyConfig.inChannels });
  const arithmetic = createArithmetic(runtime);
  const dims = [1, latent.channels, latent.frames, latent.height, latent.width];
  const latents = runtime.tensor(torchGenerator(3).randn(dims.reduce((product, n) => product * n)), dims);
  return {
    options: { blocks: network.blocks, denoiser, sampler, guidanceScale, timesteps, latents, arithmetic },
    async [Symbol.asyncDispose]() {
      denoiser.dispose();
      await Promise.all([sampler.dispose(), arithmetic.dispose()]);
    },
  };
}

async function sample(runtime: Runtime, network: Stdit3, policy: Policy, options: SampleOptions) {
  await using loop = await openTiny(runtime, network, options.numSteps);
  const { arithmetic } = loop.options;
  const steps = denoise({
    ...loop.options,
    policy,
    precision: options.precision ?? 'fp32',
    arithmetic: options.arithmetic?.(arithmetic) ?? arithmetic,
    trace: options.trace ?? createTrace(options.state?.part('trace')),
    state: options.state?.part('loop'),
    signal: options.signal,
  });
  let result = await steps.next();
  for (; !result.done; result = await steps.next()) if (result.value.canSave) await options.onStep?.(result.value.step);
  return (await runtime.read(result.value)).slice();
}

/** Per step one letter per node, in the order in which they were done, parents after children: c computed, r reused, s skipped. */
export function decisionsOf(trace: Trace): string[] {
  const steps: string[] = [];
  for (const { step, did } of trace.decisions) steps[step] = (steps[step] ?? '') + did[0];
  return steps;
}

/** Registers the suite for a policy of the registry. */
export function testPolicy(name: string, { conservative, variants }: PolicyUnderTest): void {
  describe(`${name} conforms`, () => {
    let bench: Bench;
    beforeAll(async () => {
      bench = await createBench();
    });
    afterAll(() => bench.close());

    test('every option has a default and a description', () => {
      const { shape } = policies[name]!.options;
      for (const [option, field] of Object.entries(shape)) {
        expect(field.description, option).toMatch(/\S/);
        expect(field.safeParse(undefined).success, option).toBe(true);
      }
      expect(() => createPolicy(name, { noSuchOption: 1 })).toThrow(/noSuchOption.*Allowed:/);
    });

    test('computes everything, bit for bit as full, when told to be careful', async () => {
      const trace = createTrace();
      const found = await bench.sample(createPolicy(name, conservative), { trace });
      expect(decisionsOf(trace).join('')).toMatch(/^c+$/);
      expect(found).toEqual(await bench.sample(createPolicy('full')));
    });

    describe.each(Object.entries(variants))('%s', (variant, options) => {
      const whole = createTrace();
      let latents: Float32Array;
      beforeAll(async () => {
        latents = await bench.sample(createPolicy(name, options), { trace: whole });
      });

      test('saves something, gives finite numbers, and decides as it did before', async () => {
        const decisions = decisionsOf(whole);
        expect(decisions.join('')).toMatch(/[rs]/);
        expect(latents.every(Number.isFinite)).toBe(true);
        await expectGolden(name, variant, decisions);
      });

      test('keeps nothing from one run to the next', async () => {
        const policy = createPolicy(name, options);
        await bench.sample(policy, { numSteps: 5 });
        const trace = createTrace();
        expect(await bench.sample(policy, { trace })).toEqual(latents);
        expect(decisionsOf(trace)).toEqual(decisionsOf(whole));
      });

      test('gives the same in graphs of many modules as module by module', async () => {
        const policy = createPolicy(name, options);
        const begin: Policy['begin'] = (context) => ({ ...policy.begin(context), foreseen: false });
        const trace = createTrace();
        const found = await bench.sample({ ...policy, begin }, { trace });
        expect(decisionsOf(trace)).toEqual(decisionsOf(whole));
        const largest = latents.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        for (const [i, value] of found.entries()) expect(Math.abs(value - latents[i]!)).toBeLessThan(2e-5 * largest);
      });

      test('reuses nothing that it has not seen computed', () => {
        const computed = new Set<string>();
        for (const { path, did } of whole.decisions) {
          if (did === 'compute') computed.add(path);
          if (did === 'reuse') expect(computed).toContain(path);
        }
      });

      test('goes on from a saved state to the same numbers', async () => {
        const policy = createPolicy(name, options);
        const state = createRunState();
        const saved: EncodedState[] = [];
        const onStep = async (step: number) => {
          if (step % 3 === 1) saved.push(copyOf(encodeState(await state.save(bench.runtime))));
        };
        expect(await bench.sample(policy, { state, onStep })).toEqual(latents);
        expect(saved.length).toBeGreaterThan(0);
        for (const { text, tensors } of saved) {
          const arrays = tensors.map(({ data }) => bytesOf(data as ArrayBufferView));
          const found = decodeState(text, arrays, 'the state', { what: 'a state', todo: '' });
          const again = createRunState({ saved: found, runtime: bench.runtime });
          const trace = createTrace(again.part('trace'));
          expect(await bench.sample(policy, { state: again, trace })).toEqual(latents);
          expect(decisionsOf(trace)).toEqual(decisionsOf(whole));
        }
      });

      test('computes where a statistic is not a number', async () => {
        const trace = createTrace();
        const spy = { asked: false };
        // The policy's statistics alone: the loop's own look at the latents would end the run.
        const policy = createPolicy(name, options);
        const begin: Policy['begin'] = ({ arithmetic, ...context }) =>
          policy.begin({ ...context, arithmetic: brokenStatistics(arithmetic, spy) });
        await bench.sample({ ...policy, begin }, { trace });
        if (spy.asked) expect(decisionsOf(trace).join('')).toMatch(/^c+$/);
        else expect(decisionsOf(trace)).toEqual(decisionsOf(whole));
      });

      test('holds nothing after a run that was stopped', async () => {
        const controller = new AbortController();
        const tensors = trackTensors();
        const stopped = bench.sample(tensors.watch(createPolicy(name, options)), {
          trace: abortingTrace(controller, Math.floor(whole.decisions.length * 0.7)),
          signal: controller.signal,
          arithmetic: tensors.watchArithmetic,
        });
        await expect(stopped).rejects.toMatchObject({ code: 'aborted' });
        expect(tensors.seen()).toBe(true);
        expect(tensors.alive()).toBe(0);
      });
    });
  });
}

/** A state that does not change when the run goes on. */
const copyOf = ({ text, tensors }: EncodedState): EncodedState => ({
  text,
  tensors: tensors.map((tensor) => ({ ...tensor, data: bytesOf(tensor.data as ArrayBufferView).slice() })),
});

/** Every comparison answers NaN. */
function brokenStatistics(arithmetic: Arithmetic, spy: { asked: boolean }): Arithmetic {
  const nan = async () => {
    spy.asked = true;
    return Number.NaN;
  };
  const comparisons = { relativeL1: nan, meanAbsolute: nan, cosine: nan, magnitudeRatio: nan, frameDifference: nan };
  return { ...arithmetic, ...comparisons };
}

/** A trace that stops the run after some decisions. */
function abortingTrace(controller: AbortController, after: number): Trace {
  const trace = createTrace();
  return {
    ...trace,
    record(event) {
      trace.record(event);
      if (trace.decisions.length >= after) controller.abort();
    },
  };
}

/** Watches every residual and output that a policy is shown and every tensor that arithmetic makes, and knows which are not freed. */
function trackTensors() {
  const alive = new Set<Tensor>();
  let anySeen = false;
  const watchTensor = (tensor: Tensor) => {
    if (alive.has(tensor)) return tensor;
    anySeen = true;
    alive.add(tensor);
    const dispose = tensor.dispose.bind(tensor);
    tensor.dispose = () => {
      alive.delete(tensor);
      dispose();
    };
    return tensor;
  };
  return {
    seen: () => anySeen,
    alive: () => alive.size,
    watch: (policy: Policy): Policy => ({
      ...policy,
      begin(context) {
        const run = policy.begin(context);
        return {
          ...run,
          observe: (site, residual) => run.observe?.(site, watchTensor(residual)),
          observeOutput: ({ step, latents, output }) =>
            run.observeOutput?.({ step, latents: watchTensor(latents), output: watchTensor(output) }),
        };
      },
    }),
    watchArithmetic: (arithmetic: Arithmetic): Arithmetic => ({
      ...arithmetic,
      add: async (a, b) => watchTensor(await arithmetic.add(a, b)),
      subtract: async (a, b) => watchTensor(await arithmetic.subtract(a, b)),
      combine: async (terms) => watchTensor(await arithmetic.combine(terms)),
    }),
  };
}

const decisionsSchema = z.record(z.string(), z.array(z.string()));
const decisionsPurpose = {
  what: "a policy's golden decisions",
  todo: 'Restore it, or remove it and set UPDATE_GOLDEN_TRACES.',
};

/** Compares decisions with those on file, or files them where `UPDATE_GOLDEN_TRACES` is set. */
async function expectGolden(policy: string, variant: string, decisions: string[]): Promise<void> {
  const file = fileURLToPath(new URL(`./fixtures/${policy}.json`, import.meta.url));
  const golden = (await findJson(file, decisionsSchema, decisionsPurpose)) ?? {};
  if (process.env.UPDATE_GOLDEN_TRACES) {
    golden[variant] = decisions;
    await saveJson(file, golden, 2);
  }
  expect(decisions, `golden decisions of ${policy}, ${variant}`).toEqual(golden[variant]);
}
