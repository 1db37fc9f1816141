/**
 * Samplers that remember: each step is made of the latents and of predictions at earlier steps, with the weights that
 * `solver.ts` gives. One evaluation per step.
 *
 * Invariants: predictions belong to the sampler and are freed with it; what the caller lends is retained for as long as it
 * is needed. Frames are given or free, none begins late.
 */
import type { Term } from '../runtime/arithmetic.ts';
import type { Runtime, Tensor } from '../runtime/runtime.ts';
import { release, retain } from '../runtime/sharing.ts';
import type { Sampler, SamplerOptions } from '../sampler.ts';
import { fixedFrames } from './frames.ts';
import { adamsBashforthWeights, correctorWeights, type Levels, predictorWeights, type Weights } from './solver.ts';
import { createVelocities } from './velocities.ts';

/** What tells the members of the family apart. */
export interface MultistepMethod {
  readonly name: string;
  /** Predictions that a step is made of, once there are so many. */
  readonly order: number;
  /** What is predicted: the data itself, or the velocity towards it. */
  readonly predicts: 'data' | 'velocity';
  /** Repeat the step before with the new prediction, before the next is made. */
  readonly corrects: boolean;
}

/** A prediction and the noise level that it was made at. */
interface Prediction {
  readonly level: number;
  readonly tensor: Tensor;
}

/** A sampler of one generation. Throws `invalid_option` for frames between given and free. */
export function multistep(runtime: Runtime, options: SamplerOptions, method: MultistepMethod): Sampler {
  const { noiseLevels, mask } = options;
  const { order, predicts, corrects } = method;
  const denoised = fixedFrames(method.name, mask);
  const velocities = createVelocities(runtime, options);
  const numSteps = noiseLevels.length - 1;
  /** The latest first. */
  let known: Prediction[] = [];
  /** The latents that the last step started from, and its order. */
  let last: { readonly latents: Tensor; readonly order: number } | undefined;

  const sum = (latents: Tensor, weights: Weights) => {
    const terms = weights.predictions.map((weight, i): Term => ({ tensor: known[i]!.tensor, weight }));
    return velocities.sum([{ tensor: latents, weight: weights.latents }, ...terms]);
  };
  const remember = async (latents: Tensor, output: Tensor, level: number) => {
    const velocity = await velocities.of(output);
    known = [{ level, tensor: velocity }, ...known];
    if (predicts === 'data') {
      const data = await velocities.sum([
        { tensor: latents, weight: 1 },
        { tensor: velocity, weight: level },
      ]);
      known = [{ level, tensor: data }, ...known.slice(1)];
      release(velocity);
    }
    for (const { tensor } of known.splice(order + 1)) release(tensor);
  };
  const levels = (count: number): Levels => known.slice(0, count).map(({ level }) => level);

  return {
    prepare: async (latents) => ({ latents, frameMask: denoised?.map((row) => [...row]) }),
    async advance(latents, input, output, step) {
      await remember(input.latents, output, noiseLevels[step]!);
      let start = retain(input.latents);
      if (last && corrects) {
        release(start);
        start = await sum(last.latents, correctorWeights(levels(last.order + 1)));
      }
      if (last) release(last.latents);
      last = { latents: start, order: Math.min(order, numSteps - step, known.length) };
      const to = noiseLevels[step + 1]!;
      const next = await sum(start, weightsTo(predicts, levels(last.order), to));
      if (!denoised) return next;
      const kept = await velocities.keep(denoised, next, latents);
      release(next);
      return kept;
    },
    async dispose() {
      if (last) release(last.latents);
      for (const { tensor } of known) release(tensor);
      last = undefined;
      known = [];
      await velocities.dispose();
    },
  };
}

const weightsTo = (predicts: MultistepMethod['predicts'], known: Levels, to: number): Weights =>
  predicts === 'data' ? predictorWeights(known, to) : { latents: 1, predictions: adamsBashforthWeights(known, to) };
