/**
 * Samplers that remember: each step is made of the latents and of predictions at earlier steps, with the weights that
 * `solver.ts` gives. One evaluation per step.
 *
 * Invariants: predictions belong to the sampler and are freed with it; what the caller lends is retained for as long as it
 * is needed. Frames are given or free, none begins late.
 */
import type { Term } from '../runtime/arithmetic.ts';
import type { Runtime, Tensor } from '../runtime/runtime.ts';
import { release } from '../runtime/sharing.ts';
import type { Sampler, SamplerOptions } from '../sampler.ts';
import { createRunState } from '../state.ts';
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

/** Steps that a sampler remembers. */
interface Past {
  /** Those with predictions, the latest first. */
  steps: number[];
  /** Of the last step. */
  order?: number;
}

/** A sampler of one generation. Throws `invalid_option` for frames between given and free. */
export function multistep(runtime: Runtime, options: SamplerOptions, method: MultistepMethod): Sampler {
  const { noiseLevels, mask, state = createRunState() } = options;
  const { order, predicts, corrects } = method;
  const denoised = fixedFrames(method.name, mask);
  const velocities = createVelocities(runtime, options);
  const numSteps = noiseLevels.length - 1;
  /** Predictions by their step, and `start`: the latents that the last step started from. */
  const kept = state.tensors('predictions');
  const past = state.data<Past>('past', { steps: [] });

  const sum = (latents: Tensor, weights: Weights) => {
    const terms = weights.predictions.map((weight, i): Term => ({ tensor: kept.get(`${past.steps[i]}`)!, weight }));
    return velocities.sum([{ tensor: latents, weight: weights.latents }, ...terms]);
  };
  const remember = async (latents: Tensor, output: Tensor, step: number) => {
    const velocity = await velocities.of(output);
    kept.own(`${step}`, velocity);
    if (predicts === 'data')
      kept.own(
        `${step}`,
        await velocities.sum([
          { tensor: latents, weight: 1 },
          { tensor: velocity, weight: noiseLevels[step]! },
        ]),
      );
    past.steps.unshift(step);
    for (const old of past.steps.splice(order + 1)) kept.drop(`${old}`);
  };
  const levels = (count: number): Levels => past.steps.slice(0, count).map((step) => noiseLevels[step]!);

  return {
    prepare: async (latents) => ({ latents, frameMask: denoised?.map((row) => [...row]) }),
    async advance(latents, input, output, step) {
      await remember(input.latents, output, step);
      const before = kept.get('start');
      if (before && corrects) kept.own('start', await sum(before, correctorWeights(levels(past.order! + 1))));
      else kept.keep('start', input.latents);
      past.order = Math.min(order, numSteps - step, past.steps.length);
      const to = noiseLevels[step + 1]!;
      const next = await sum(kept.get('start')!, weightsTo(predicts, levels(past.order), to));
      if (!denoised) return next;
      const chosen = await velocities.keep(denoised, next, latents);
      release(next);
      return chosen;
    },
    async dispose() {
      kept.dispose();
      await velocities.dispose();
    },
  };
}

const weightsTo = (predicts: MultistepMethod['predicts'], known: Levels, to: number): Weights =>
  predicts === 'data' ? predictorWeights(known, to) : { latents: 1, predictions: adamsBashforthWeights(known, to) };
