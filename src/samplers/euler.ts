/**
 * Euler steps from noise to data along a straight flow, with classifier-free guidance and with frames that are given. All
 * sums over latents run as graphs on the device.
 *
 * Given frames follow a mask in [0, 1] per frame: a frame with mask m keeps its latent until the first step whose noise
 * level is m or less, is noised to that level once, and is denoised from there. Reference: Open-Sora 1.2, `RFLOW.sample`.
 */
import { Graph, type Model } from '../onnx/graph.ts';
import type { Leap } from '../policy.ts';
import { weightTensor } from '../runtime/arithmetic.ts';
import type { Runtime, Tensor } from '../runtime/runtime.ts';
import { sessionCache } from '../runtime/sessions.ts';
import type { Sampler, SamplerOptions } from '../sampler.ts';
import { choose, frameShape, guidedVelocity, latentShape, outputShape } from './graphs.ts';

/** A sampler for one generation. */
export function euler(runtime: Runtime, options: SamplerOptions): Sampler {
  const { noiseLevels, mask } = options;
  const sessions = sessionCache(runtime);
  const scalar = (value: number) => runtime.tensor(Float32Array.of(value), []);
  const frames = (flags: boolean[][]) =>
    runtime.tensor(Float32Array.from(flags.flat(), Number), [flags.length, 1, flags[0]!.length, 1, 1]);
  const denoisedAt = (step: number) => mask?.map((row) => row.map((value) => value >= noiseLevels[step]!));
  /** Frames that start at this step; those with mask 1 are noise from the beginning. */
  const startingAt = (step: number) =>
    denoisedAt(step)?.map((row, i) =>
      row.map((on, j) => on && !(step === 0 ? mask![i]![j] === 1 : denoisedAt(step - 1)![i]![j]!)),
    );

  return {
    async prepare(latents, step, noise) {
      const frameMask = denoisedAt(step);
      if (!frameMask) return { latents };
      const starting = startingAt(step)!;
      if (!starting.flat().some(Boolean)) return { latents, frameMask };
      const session = await sessions.get('noise', noiseGraph);
      const feeds = { latents, noise: noise!, starting: frames(starting), level: scalar(noiseLevels[step]!) };
      return { latents: (await session.run(feeds)).noised!, frameMask };
    },
    async advance(latents, input, output, step) {
      const dt = noiseLevels[step]! - noiseLevels[step + 1]!;
      const feeds: Record<string, Tensor> = {
        latents: input.latents,
        output,
        dt: scalar(dt),
        guidance: scalar(options.guidanceScale),
      };
      if (input.frameMask) Object.assign(feeds, { kept: latents, denoised: frames(input.frameMask) });
      const session = await sessions.get('advance', () => advanceGraph(options, Boolean(input.frameMask)));
      return (await session.run(feeds)).next!;
    },
    ...(!mask && {
      async leap({ latents, outputs }: Leap) {
        const feeds: Record<string, Tensor> = { latents: latents.tensor, weight: weightTensor(runtime, latents) };
        for (const [i, { tensor, weights }] of outputs.entries()) {
          feeds[`output${i}`] = tensor;
          feeds[`weight${i}`] = weightTensor(runtime, { tensor, weight: weights });
        }
        const session = await sessions.get(`leap ${outputs.length}`, () => leapGraph(options, outputs.length));
        return (await session.run(feeds)).next!;
      },
    }),
    dispose: () => sessions.dispose(),
  };
}

function noiseGraph(): Model {
  const graph = new Graph('noise');
  const { op } = graph;
  const latents = graph.input('latents', latentShape);
  const noise = graph.input('noise', latentShape);
  const level = graph.input('level', []);
  const mixed = op.Add(op.Mul(latents, op.Sub(graph.constant(1), level)), op.Mul(noise, level));
  graph.output('noised', choose(graph, graph.input('starting', frameShape), mixed, latents));
  return graph.build();
}

function advanceGraph(options: SamplerOptions, masked: boolean): Model {
  const graph = new Graph('advance');
  const { op } = graph;
  const latents = graph.input('latents', latentShape);
  const output = graph.input('output', outputShape);
  const [dt, guidance] = [graph.input('dt', []), graph.input('guidance', [])];
  const velocity = guidedVelocity(graph, output, guidance, options);
  const next = op.Add(latents, op.Mul(velocity, dt));
  graph.output(
    'next',
    masked ? choose(graph, graph.input('denoised', frameShape), next, graph.input('kept', latentShape)) : next,
  );
  return graph.build();
}

/** Latents and the velocities in some outputs, each weighted; the parts of the batch are added. */
function leapGraph({ guided, channels }: SamplerOptions, count: number): Model {
  const graph = new Graph('leap');
  const { op } = graph;
  let next = op.Mul(graph.input('latents', latentShape), graph.input('weight', []));
  for (let i = 0; i < count; i++) {
    const output = graph.input(`output${i}`, outputShape);
    const weight = graph.input(`weight${i}`, ['rows', 1, 1, 1, 1]);
    const weighted = op.Mul(op.Slice(output, [0], [channels], [1]), weight);
    const parts = guided ? graph.node('Split', [weighted], { axis: 0, num_outputs: 2 }, 2) : [weighted];
    for (const part of parts) next = op.Add(next, part);
  }
  graph.output('next', next);
  return graph.build();
}
