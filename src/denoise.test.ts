/** The loop on a network of one number: what it yields, leaps over, records, refuses and frees. No session is compiled. */
import { describe, expect, test } from 'vitest';
import { type Numbers, numbers, scalarArithmetic, smallBlocks, valuesOf } from '../test/scalars.ts';
import { type DenoiseOptions, type DenoiseStep, denoise } from './denoise.ts';
import { type Evaluation, modulesIn, treeOf } from './model.ts';
import { type Leap, type Policy, type Run, type RunContext, type StepOutcome, skip } from './policy.ts';
import type { Runtime } from './runtime/runtime.ts';
import { createRunState } from './state.ts';
import { createTrace } from './trace.ts';

const blocks = smallBlocks(2);
const timesteps = [1000, 800, 600, 400, 200];

/** A policy whose run does as told. */
const policyOf = (run: Partial<Run> | ((context: RunContext) => Partial<Run>) = {}): Policy => ({
  name: 'told',
  begin: (context) => ({ decide: () => undefined, ...(typeof run === 'function' ? run(context) : run) }),
});

/**
 * A run of five steps from 7, on a network whose four modules add 1 each and whose answer is its last hidden state; a step
 * adds 10. Every tensor that is made is noted.
 */
function worldOf(changes: Partial<DenoiseOptions> = {}, evaluation: Partial<Evaluation> = {}) {
  const made: Numbers[] = [];
  const make = (...values: number[]) => {
    const tensor = numbers(values);
    made.push(tensor);
    return tensor;
  };
  const log = { evaluated: [] as unknown[], closed: 0 };
  const modules = modulesIn(treeOf(blocks));
  const options: DenoiseOptions = {
    blocks,
    timesteps,
    guidanceScale: 1.5,
    latents: make(7),
    policy: policyOf(),
    precision: 'fp32',
    arithmetic: scalarArithmetic,
    trace: createTrace(),
    denoiser: {
      async evaluate(latents, timestep, frameMask) {
        log.evaluated.push(frameMask ? [timestep, frameMask] : timestep);
        return {
          hidden: make(...valuesOf(latents)),
          async run(node, hidden, { residual }) {
            expect(modules).toContain(node);
            return { hidden: make(valuesOf(hidden)[0]! + 1), ...(residual && { residual: make(1) }) };
          },
          finish: async (hidden) => make(...valuesOf(hidden)),
          dispose: () => void log.closed++,
          ...evaluation,
        };
      },
      dispose() {},
    },
    sampler: {
      prepare: async (latents) => ({ latents: make(...valuesOf(latents)) }),
      advance: async (latents) => make(valuesOf(latents)[0]! + 10),
      leap: async ({ latents, steps }) => make(valuesOf(latents.tensor)[0]! * latents.weight + 100 * steps),
      dispose: async () => {},
    },
    ...changes,
  };
  return { options, make, log, alive: () => made.filter(({ disposed }) => disposed !== 1) };
}

/** What a step said, with numbers for tensors. */
const told = ({ input, output, latents, ...step }: DenoiseStep) => ({
  ...step,
  ...(input && { input: valuesOf(input)[0] }),
  ...(output && { output: valuesOf(output)[0] }),
  latents: valuesOf(latents)[0],
});

/** Takes all steps. */
async function run(options: DenoiseOptions, onStep: (step: DenoiseStep) => void | Promise<void> = () => {}) {
  const steps: ReturnType<typeof told>[] = [];
  const loop = denoise(options);
  let next = await loop.next();
  while (!next.done) {
    steps.push(told(next.value));
    if (steps.length > 20) throw new Error('The loop does not end.');
    await onStep(next.value);
    next = await loop.next();
  }
  return { steps, latents: next.value as Numbers };
}

/** A leap from where a run is. */
const leapOf = (steps: number): Leap => ({ steps, latents: { tensor: numbers([3]), weight: 2 }, outputs: [] });

test('every step is taken once, in order, and says what it was', async () => {
  const { options, log } = worldOf();
  const { steps, latents } = await run(options);
  expect(steps).toEqual(
    timesteps.map((timestep, step) => ({
      step,
      numSteps: 5,
      timestep,
      input: 7 + 10 * step,
      output: 7 + 10 * step + 4,
      latents: 7 + 10 * (step + 1),
      canSave: true,
    })),
  );
  expect(valuesOf(latents)).toEqual([57]);
  expect(log).toEqual({ evaluated: timesteps, closed: 5 });
});

test('a policy begins with what the run is, and is told what the network was given and answered', async () => {
  const contexts: RunContext[] = [];
  const outcomes: [number, ...number[]][] = [];
  const observeOutput = ({ step, latents, output }: StepOutcome) =>
    void outcomes.push([step, valuesOf(latents)[0]!, valuesOf(output)[0]!]);
  const policy: Policy = {
    ...policyOf((context) => {
      contexts.push(context);
      return { observeOutput };
    }),
    cuts: () => [1],
  };
  const { options } = worldOf({ policy });
  await run(options);
  expect(contexts).toMatchObject([{ numSteps: 5, timesteps, guidanceScale: 1.5, leap: options.sampler.leap }]);
  expect(contexts[0]!.tree.children!.map(({ path }) => path)).toEqual(['segment.0', 'segment.1']);
  expect(outcomes).toEqual([0, 1, 2, 3, 4].map((step) => [step, 7 + 10 * step, 11 + 10 * step]));
});

test('frames that are given are told to the network and to whoever watches; noise is there for those that begin late', async () => {
  const noises: unknown[] = [];
  const frameMask = [[false, true]];
  const { options, log, make } = worldOf({ noise: () => numbers([5]) });
  const sampler: DenoiseOptions['sampler'] = {
    ...options.sampler,
    async prepare(latents, step, noise) {
      noises.push([step, noise && valuesOf(noise)[0]]);
      return { latents: make(...valuesOf(latents)), frameMask };
    },
  };
  const { steps } = await run({ ...options, sampler, timesteps: [1000, 500] });
  expect(noises).toEqual([
    [0, 5],
    [1, 5],
  ]);
  expect(log.evaluated).toEqual([
    [1000, frameMask],
    [500, frameMask],
  ]);
  expect(steps.map((step) => step.frameMask)).toEqual([frameMask, frameMask]);
});

describe('leaps', () => {
  const leaping = (at: number, steps: number) =>
    policyOf({ leap: (step) => (step === at ? leapOf(steps) : undefined) });

  test('stand for so many steps, without the network, and can be saved at their end', async () => {
    const { options, log } = worldOf({ policy: leaping(1, 2) });
    const { steps, latents } = await run(options);
    expect(steps.map(({ step, latents }) => [step, latents])).toEqual([
      [0, 17],
      [1, 206],
      [2, 206],
      [3, 216],
      [4, 226],
    ]);
    expect(steps.slice(1, 3)).toEqual([
      { step: 1, numSteps: 5, timestep: 800, latents: 206, canSave: false },
      { step: 2, numSteps: 5, timestep: 600, latents: 206, canSave: true },
    ]);
    expect(valuesOf(latents)).toEqual([226]);
    expect(log.evaluated).toEqual([1000, 400, 200]);
    const wholeSteps = options.trace.decisions.filter(({ level }) => level === 'step');
    expect(wholeSteps.map(({ step, did, precision }) => `${step} ${did} ${precision}`)).toEqual([
      '0 compute fp32',
      '1 reuse fp32',
      '2 reuse fp32',
      '3 compute fp32',
      '4 compute fp32',
    ]);
  });

  test.each([
    ['of one step', 1, 1, [1000, 600, 400, 200]],
    ['of none, which would never end, is one of one', 1, 0, [1000, 600, 400, 200]],
    ['to the end', 2, 3, [1000, 800]],
    ['beyond the end', 2, 9, [1000, 800]],
  ])('%s', async (_, at, steps, evaluated) => {
    const { options, log } = worldOf({ policy: leaping(at, steps) });
    const result = await run(options);
    expect(result.steps.map(({ step }) => step)).toEqual([0, 1, 2, 3, 4]);
    expect(log.evaluated).toEqual(evaluated);
  });

  test('are not asked for where the sampler takes none', async () => {
    const asked: unknown[] = [];
    const policy = policyOf((context) => {
      expect(context.leap).toBeUndefined();
      return { leap: (step) => void asked.push(step) };
    });
    const { options } = worldOf({ policy });
    const { leap, ...sampler } = options.sampler;
    await run({ ...options, sampler });
    expect(asked).toEqual([]);
  });
});

describe('numbers that are none end the run at once', () => {
  test.each([
    ['fp32', /after step 2, asked for in fp32, .*(?<!shows whether it is the model\.)$/],
    ['w8a8', /after step 2, asked for in w8a8, .*--precision fp32 shows whether it is the model\.$/],
  ] as const)('after a step, in %s', async (precision, message) => {
    const { options, make, log, alive } = worldOf({ precision });
    const sampler: DenoiseOptions['sampler'] = {
      ...options.sampler,
      advance: async (latents, _, __, step) => make(step === 1 ? Number.NaN : valuesOf(latents)[0]!),
    };
    await expect(run({ ...options, sampler })).rejects.toMatchObject({
      code: 'not_finite',
      message: expect.stringMatching(message),
    });
    expect(log.evaluated).toEqual([1000, 800]);
    expect(alive()).toEqual([]);
  });

  test('after a leap', async () => {
    const policy = policyOf({ leap: (step) => (step === 3 ? leapOf(Number.POSITIVE_INFINITY) : undefined) });
    await expect(run(worldOf({ policy }).options)).rejects.toThrow(/after step 4/);
  });

  test('a statistic that is none is told once', async () => {
    const policy = policyOf(({ arithmetic }) => ({
      decide: async ({ node, hidden }) => {
        if (node.level === 'step') await arithmetic.relativeL1(hidden, numbers([0]));
        return undefined;
      },
    }));
    const { options } = worldOf({ policy });
    await run(options);
    expect(options.trace.warnings).toEqual([expect.stringMatching(/policy "told".*not a finite number/)]);
  });
});

describe('nothing is left behind', () => {
  /** A policy that looks at a signal, keeps a residual, and knows whether it was disposed of. */
  function keeping() {
    const ended: string[] = [];
    const policy = policyOf(({ state }) => {
      const kept = state.tensors('residuals');
      return {
        async decide({ signal }) {
          await signal('modulated-input');
          return undefined;
        },
        wants: ({ level }) => level === 'module',
        observe: ({ node }, residual) => kept.keep(node.path, residual),
        heldBytes: kept.bytes,
        dispose: () => void ended.push('ended'),
      };
    });
    return { policy, ended };
  }
  function watched(changes: Partial<DenoiseOptions> = {}) {
    const { policy, ended } = keeping();
    const world: ReturnType<typeof worldOf> = worldOf(
      { policy, ...changes },
      { signals: { 'modulated-input': async () => world.make(1) } },
    );
    return { ...world, ended };
  }

  test('after the last step, but the latents', async () => {
    const { options, log, alive, ended } = watched();
    const { latents } = await run(options);
    expect(alive()).toEqual([latents]);
    expect(latents.disposed).toBe(0);
    expect([log.closed, ended]).toEqual([5, ['ended']]);
    const held = options.trace.measurements.map(({ step, path, values }) => [step, path, values]);
    expect(held).toEqual([0, 1, 2, 3, 4].map((step) => [step, 'step', { heldBytes: 4 * 4 }]));
  });

  test('where it is stopped, which it is before the next step', async () => {
    const controller = new AbortController();
    const { options, log, alive, ended } = watched({ signal: controller.signal });
    await expect(run(options, ({ step }) => void (step === 1 && controller.abort()))).rejects.toMatchObject({
      code: 'aborted',
    });
    expect(alive()).toEqual([]);
    expect([log, ended]).toEqual([{ evaluated: [1000, 800], closed: 2 }, ['ended']]);
  });

  test('where nobody wants the next step', async () => {
    const { options, alive, ended } = watched();
    for await (const { step } of denoise(options)) if (step === 2) break;
    expect(alive()).toEqual([]);
    expect(ended).toEqual(['ended']);
  });

  test('where the network fails', async () => {
    const { policy, ended } = keeping();
    const world: ReturnType<typeof worldOf> = worldOf(
      { policy },
      {
        signals: { 'modulated-input': async () => world.make(1) },
        finish: () => Promise.reject(new Error('out of memory')),
      },
    );
    await expect(run(world.options)).rejects.toThrow('out of memory');
    expect(world.alive()).toEqual([]);
    expect([world.log.closed, ended]).toEqual([1, ['ended']]);
  });

  test('where whole steps are skipped, and hidden states are what they were', async () => {
    const { options, alive } = worldOf({ policy: policyOf({ decide: () => skip }) });
    const { steps, latents } = await run(options);
    expect(steps.map(({ output }) => output)).toEqual([7, 17, 27, 37, 47]);
    expect(alive()).toEqual([latents]);
  });
});

test('a run that was saved after a step goes on with the next, from the latents that it had', async () => {
  const runtime: Pick<Runtime, 'read' | 'tensor'> = {
    read: async (tensor) => Float32Array.from(valuesOf(tensor)),
    tensor: (values, dims) => numbers(Array.from(values, Number), dims),
  };
  const state = createRunState();
  let saved: Awaited<ReturnType<typeof state.save>> | undefined;
  for await (const { step } of denoise(worldOf({ state }).options)) {
    if (step !== 1) continue;
    saved = await state.save(runtime);
    break;
  }
  const { options, log } = worldOf({
    state: createRunState({ saved: structuredClone(saved!), runtime: runtime as Runtime }),
  });
  const { steps, latents } = await run(options);
  expect(steps.map(({ step, input }) => [step, input])).toEqual([
    [2, 27],
    [3, 37],
    [4, 47],
  ]);
  expect(valuesOf(latents)).toEqual([57]);
  expect(log.evaluated).toEqual([600, 400, 200]);
  expect((options.latents as Numbers).disposed).toBe(1);
});

test('what a run remembered is forgotten with it', async () => {
  const state = createRunState();
  await run(worldOf({ state }).options);
  await expect(run(worldOf({ state }).options)).resolves.toMatchObject({ steps: { length: 5 } });
});

test('options that it does not know are refused', async () => {
  const options = { ...worldOf().options, timestep: 3 };
  await expect(run(options)).rejects.toThrow(/"timestep" \(did you mean "timesteps"\?\)/);
});
