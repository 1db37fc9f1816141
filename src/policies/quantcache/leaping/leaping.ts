/**
 * Leaps that follow the clip: the outer level of caching where no plan is given. The network is asked at few steps, the way
 * between them is made from its last two answers (`prediction.ts`), and how far each leap goes depends on what the clip has
 * shown so far (`control.ts`).
 *
 * It needs nothing but averages of the model, measured by calibration or those that come with the policy, and it holds for
 * every number of steps, length, size and guidance, as difficulty is measured in the run itself.
 */
import * as z from 'zod';
import type { Leap, Run, RunContext } from '../../../policy.ts';
import type { Tensor } from '../../../runtime/runtime.ts';
import { bytesOf } from '../../../runtime/tensorstore.ts';
import type { Memory } from '../memory.ts';
import { averagesSchema } from './averages.ts';
import { builtinAverages } from './builtin.ts';
import { createControl, fewestEvaluations, newCourse } from './control.ts';
import { createPredictor, longestHistory, type Prediction } from './prediction.ts';

/** Options of leaps that follow the clip. */
export const leapingFields = {
  quality: z
    .number()
    .positive()
    .default(38)
    .describe('Decibels against full computation that a clip should have; what it costs depends on the clip.'),
  evaluations: z
    .int()
    .min(fewestEvaluations)
    .optional()
    .describe('Evaluations of the network for a clip, in place of a quality: the best that so many allow.'),
  memory: z
    .number()
    .min(0)
    .max(1)
    .default(0.6)
    .describe('How much of the difficulty seen is expected to last for a step of 30; 0 keeps to the averages.'),
  averages: averagesSchema.optional().describe('What the model does on average, from calibration; else an estimate.'),
};

export type LeapingSettings = z.output<z.ZodObject<typeof leapingFields>>;

/** Takes leaps by what the run shows. Needs a context whose sampler leaps; what does not fit into the memory is computed. */
export function followAnswers(settings: LeapingSettings, context: RunContext, memory: Memory): Partial<Run> {
  const { timesteps, guidanceScale, arithmetic, state, tree, measure, warn } = context;
  const averages = settings.averages ?? builtinAverages;
  const levels = [...timesteps.map((timestep) => timestep / timesteps[0]!), 0];
  const predictor = createPredictor({ moments: averages, levels, guidanceScale });
  const control = createControl({ ...settings, predictor, averages, levels });
  const known = state.tensors('answers');
  const course = state.data('course', newCourse());
  const room = state.data<{ fits?: boolean }>('room', {});

  /** The last answers weighted, and the latents that the latest was given for. */
  const weighted = ({ outputs }: Prediction, latents: number): Omit<Leap, 'steps'> => ({
    latents: { tensor: known.get('latents')!, weight: latents },
    outputs: outputs.map((weights, age) => ({ tensor: known.get(`answer ${course.history[age]}`)!, weights })),
  });
  /** The mean square of what an answer misses of the expected one; at first, of its direction of guidance. */
  const missedBy = async (latents: Tensor, output: Tensor, expected?: Prediction): Promise<number> => {
    const guided = expected ? [guidanceScale, 1 - guidanceScale] : [1, -1];
    const own = { tensor: output, weights: output.dims[0] === latents.dims[0] ? [1] : guided };
    const others = expected ? weighted(expected, 0).outputs : [];
    const negative = others.map(({ tensor, weights }) => ({ tensor, weights: weights.map((weight) => -weight) }));
    const missed = await context.leap!({
      steps: 1,
      latents: { tensor: latents, weight: 0 },
      outputs: [own, ...negative],
    });
    const meanSquare = await arithmetic.meanSquare(missed);
    missed.dispose();
    return meanSquare;
  };

  return {
    leap(step) {
      const from = course.history[0];
      if (!room.fits || from !== step - 1 || course.next === step) return undefined;
      const prediction = control.leap(course);
      course.rest = prediction.rest;
      return { steps: course.next - step, ...weighted(prediction, 1) };
    },
    async observeOutput({ step, latents, output }) {
      room.fits ??= memory.reserve(bytesOf(latents) + longestHistory * bytesOf(output));
      if (!room.fits)
        return warn('The answers that leaps are made of do not fit into the cache memory: every step is computed.');
      const expected = control.expected(course, step);
      const missed = await missedBy(latents, output, expected);
      for (const old of course.history.slice(longestHistory - 1)) known.drop(`answer ${old}`);
      known.keep('latents', latents);
      known.keep(`answer ${step}`, output);
      const difficulty = control.observe(course, step, missed, expected);
      const quality = control.estimate(course); // infinite as long as nothing was leapt over
      const values = { next: course.next, difficulty, ...(Number.isFinite(quality) && { quality }) };
      measure({ step, path: tree.path, values });
    },
    heldBytes: known.bytes,
    dispose: known.dispose,
  };
}
