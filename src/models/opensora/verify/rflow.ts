/** Verifies `rflow_sample` cases: a whole guided sampling run, with the latents and both predictions of every step. */
import * as z from 'zod';
import { denoise } from '../../../denoise.ts';
import type { Policy } from '../../../policy.ts';
import { createArithmetic } from '../../../runtime/arithmetic.ts';
import type { Runtime, Tensor } from '../../../runtime/runtime.ts';
import { euler } from '../../../samplers/euler.ts';
import { createTrace, type Trace } from '../../../trace.ts';
import type { Comparison, PolicyMaker, ReferenceCase } from '../../../verification/case.ts';
import { parseStdit3Config } from '../stdit3/config.ts';
import { loadStdit3 } from '../stdit3/network.ts';
import { rflowSchedule } from '../timesteps.ts';
import { geometryOf, rowsOf } from './stdit3.ts';

/** How a sampling case is configured. */
export const samplingSchema = z.object({
  model: z.unknown(),
  num_sampling_steps: z.int().positive(),
  cfg_scale: z.number(),
  use_timestep_transform: z.boolean().optional(),
});
export type SamplingConfig = z.output<typeof samplingSchema>;

/** What one step of a reference run can be compared with. */
export interface ReferenceStep {
  readonly step: number;
  readonly input: Float32Array;
  readonly frameMask?: readonly (readonly boolean[])[];
  /** Velocities of the conditional and the unconditional half. */
  readonly conditional: Float32Array;
  readonly unconditional: Float32Array;
}

/** Samples a case under a policy, step by step; returns the final latents. */
export async function* sampleCase(
  runtime: Runtime,
  reference: ReferenceCase,
  config: SamplingConfig,
  policy: Policy,
  trace: Trace,
): AsyncGenerator<ReferenceStep, { latents: Float32Array; timesteps: Float32Array }> {
  const modelConfig = parseStdit3Config(config.model);
  const network = loadStdit3(runtime, reference.weights, modelConfig);
  const [noise, captions] = [await reference.read('inputs/z'), await reference.read('inputs/y')];
  const numFrames = (await reference.read('inputs/num_frames')).data[0]!;
  const geometry = await geometryOf(reference, noise, numFrames);
  const { timesteps, noiseLevels } = rflowSchedule({
    steps: config.num_sampling_steps,
    height: geometry.height,
    width: geometry.width,
    frames: numFrames,
    transform: config.use_timestep_transform ?? true,
  });
  const mask = reference.has('inputs/mask') ? rowsOf(await reference.read('inputs/mask')) : undefined;
  const denoiser = await network.begin({
    text: {
      conditional: {
        states: captions.data,
        dims: [noise.dims[0]!, captions.dims.at(-2)!, captions.dims.at(-1)!],
        mask,
      },
      unconditional: await network.nullCaption(),
    },
    geometry,
    frameRates: [...(await reference.read('inputs/fps')).data],
  });
  const channels = modelConfig.inChannels;
  const videoMask = reference.has('inputs/video_mask') ? rowsOf(await reference.read('inputs/video_mask')) : undefined;
  const sampler = euler(runtime, {
    noiseLevels,
    guidanceScale: config.cfg_scale,
    guided: true,
    channels,
    mask: videoMask,
  });
  const arithmetic = createArithmetic(runtime);
  const steps = denoise({
    blocks: network.blocks,
    denoiser,
    sampler,
    guidanceScale: config.cfg_scale,
    timesteps,
    latents: runtime.tensor(noise.data, noise.dims),
    policy,
    precision: 'fp32',
    arithmetic,
    trace,
    noise: await noiseDraws(runtime, reference, noise.dims),
  });
  let result = await steps.next();
  while (!result.done) {
    const { step, input, frameMask, output } = result.value;
    const halves = velocityHalves(await runtime.read(output!), output!.dims, channels);
    yield { step, frameMask, input: (await runtime.read(input!)).slice(), ...halves };
    result = await steps.next();
  }
  const latents = (await runtime.read(result.value as Tensor)).slice();
  denoiser.dispose();
  await Promise.all([sampler.dispose(), arithmetic.dispose(), network.dispose()]);
  return { latents, timesteps };
}

/** The noise that the original drew at each step, in order. */
async function noiseDraws(runtime: Runtime, reference: ReferenceCase, dims: readonly number[]) {
  if (!reference.has('inter/noise_draws')) return undefined;
  const { data } = await reference.read('inter/noise_draws');
  const size = dims.reduce((product, n) => product * n, 1);
  let draw = 0;
  return () => runtime.tensor(data.slice(draw * size, ++draw * size), dims);
}

/** The first `channels` channels of each sample, split into the two halves of the batch. */
function velocityHalves(output: Float32Array, dims: readonly number[], channels: number) {
  const sampleSize = output.length / dims[0]!;
  const kept = (sampleSize / dims[1]!) * channels;
  const velocities = Float32Array.from(
    { length: dims[0]! * kept },
    (_, i) => output[Math.floor(i / kept) * sampleSize + (i % kept)]!,
  );
  const half = velocities.length / 2;
  return { conditional: velocities.slice(0, half), unconditional: velocities.slice(half) };
}

/** Compares a full run: timesteps, every step's input and predictions, and the final latents. */
export async function* verifyRflow(
  runtime: Runtime,
  reference: ReferenceCase,
  createPolicy: PolicyMaker,
): AsyncGenerator<Comparison> {
  const known = new Map<string, ArrayLike<number>>();
  const { config } = reference.parse(z.object({ config: samplingSchema }));
  const run = sampleCase(runtime, reference, config, createPolicy('full'), createTrace());
  const frameMasks: number[] = [];
  let result = await run.next();
  while (!result.done) {
    const { step, input, frameMask, conditional, unconditional } = result.value;
    if (frameMask) frameMasks.push(...frameMask.flat().map(Number));
    known
      .set(`inter/step${step}.z_in`, input)
      .set(`inter/step${step}.pred_cond`, conditional)
      .set(`inter/step${step}.pred_uncond`, unconditional);
    result = await run.next();
  }
  known.set('outputs/z_final', result.value.latents).set('inter/x_mask', frameMasks);
  // The original keeps one row of timesteps per prompt; all prompts of a batch share them.
  const rows = (await reference.read('inputs/z')).dims[0]!;
  known.set(
    'inter/timesteps',
    Array.from(result.value.timesteps).flatMap((t) => Array<number>(rows).fill(t)),
  );
  for (const name of [...reference.names('inter/'), ...reference.names('outputs/')]) {
    if (name === 'inter/noise_draws') continue;
    yield { tensor: name, expected: (await reference.read(name)).data, actual: known.get(name) };
  }
}
