/** Velocities and weighted sums on the device, for samplers that remember earlier steps. */
import { Graph, type Model } from '../onnx/graph.ts';
import { createArithmetic, type Term } from '../runtime/arithmetic.ts';
import type { Runtime, Tensor } from '../runtime/runtime.ts';
import { sessionCache } from '../runtime/sessions.ts';
import type { SamplerOptions } from '../sampler.ts';
import { choose, frameShape, guidedVelocity, latentShape, outputShape } from './graphs.ts';

/** What such a sampler computes with; all tensors returned are the caller's. */
export interface Velocities {
  /** The guided velocity towards the data in what the network answered. */
  of(output: Tensor): Promise<Tensor>;
  /** The weighted sum; terms of weight 0 are left out, and one at least is not. */
  sum(terms: readonly Term[]): Promise<Tensor>;
  /** `next` where frames are denoised, else `kept`. */
  keep(denoised: readonly (readonly boolean[])[], next: Tensor, kept: Tensor): Promise<Tensor>;
  dispose(): Promise<void>;
}

export function createVelocities(runtime: Runtime, options: SamplerOptions): Velocities {
  const sessions = sessionCache(runtime);
  const arithmetic = createArithmetic(runtime);
  const guidance = Float32Array.of(options.guidanceScale);
  return {
    async of(output) {
      const session = await sessions.get('velocity', () => velocityGraph(options));
      return (await session.run({ output, guidance: runtime.tensor(guidance.slice(), []) })).velocity!;
    },
    sum: (terms) => arithmetic.combine(terms.filter(({ weight }) => weight !== 0)),
    async keep(denoised, next, kept) {
      const dims = [denoised.length, 1, denoised[0]!.length, 1, 1];
      const mask = runtime.tensor(Float32Array.from(denoised.flat(), Number), dims);
      const session = await sessions.get('keep', keepGraph);
      return (await session.run({ mask, next, kept })).latents!;
    },
    async dispose() {
      await sessions.dispose();
      await arithmetic.dispose();
    },
  };
}

function velocityGraph(options: SamplerOptions): Model {
  const graph = new Graph('velocity');
  const output = graph.input('output', outputShape);
  graph.output('velocity', guidedVelocity(graph, output, graph.input('guidance', []), options));
  return graph.build();
}

function keepGraph(): Model {
  const graph = new Graph('keep');
  const [next, kept] = [graph.input('next', latentShape), graph.input('kept', latentShape)];
  graph.output('latents', choose(graph, graph.input('mask', frameShape), next, kept));
  return graph.build();
}
