/**
 * Heun's method: an Euler step, a second evaluation at its end, and the step again with the mean of both velocities. Steps
 * are counted in evaluations, two for each noise level but the first; the last level is left by an Euler step, because
 * there is nothing to evaluate at noise level 0, and with an even number of evaluations the first one is, too.
 * Reference: Karras et al. 2022, arXiv 2206.00364, algorithm 1 without its noise.
 */
import type { Runtime, Tensor } from '../runtime/runtime.ts';
import { release } from '../runtime/sharing.ts';
import type { Sampler, SamplerOptions } from '../sampler.ts';
import { createRunState } from '../state.ts';
import { fixedFrames } from './frames.ts';
import { createVelocities } from './velocities.ts';

/** The number of the noise level of each evaluation: 0 1 1 2 2 for five, 0 1 2 2 for four. */
export function heunVisits(evaluations: number): number[] {
  const paired = (count: number) => Array.from({ length: count }, (_, i) => Math.ceil(i / 2));
  return evaluations % 2 === 1 ? paired(evaluations) : [0, ...paired(evaluations - 1).map((level) => level + 1)];
}

/** A sampler of one generation. Throws `invalid_option` for frames between given and free. */
export function heun(runtime: Runtime, options: SamplerOptions): Sampler {
  const { noiseLevels, mask, state = createRunState() } = options;
  const denoised = fixedFrames('heun', mask);
  const velocities = createVelocities(runtime, options);
  /** The Euler step that a second evaluation is to correct: its latents, its velocity and its noise level. */
  const pending = state.tensors('pending');
  const begun = state.data('begun', { level: 1 });
  return {
    prepare: async (latents) => ({ latents, frameMask: denoised?.map((row) => [...row]) }),
    async advance(latents, input, output, step) {
      const [level, to] = [noiseLevels[step]!, noiseLevels[step + 1]!];
      const velocity = await velocities.of(output);
      let next: Tensor;
      if (level === to) {
        const half = (begun.level - level) / 2;
        next = await velocities.sum([
          { tensor: pending.get('latents')!, weight: 1 },
          { tensor: pending.get('velocity')!, weight: half },
          { tensor: velocity, weight: half },
        ]);
        pending.dispose();
        release(velocity);
      } else {
        next = await velocities.sum([
          { tensor: input.latents, weight: 1 },
          { tensor: velocity, weight: level - to },
        ]);
        pending.keep('latents', input.latents);
        pending.own('velocity', velocity);
        begun.level = level;
      }
      if (!denoised) return next;
      const kept = await velocities.keep(denoised, next, latents);
      release(next);
      return kept;
    },
    async dispose() {
      pending.dispose();
      await velocities.dispose();
    },
  };
}
