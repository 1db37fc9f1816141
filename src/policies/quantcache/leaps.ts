/**
 * The outer level of caching by plan: calibration has chosen the steps to compute, and for each of them how the latents of
 * the next one follow, without the network, from what is known by then (`calibration/plan.ts`):
 *
 *     z(next) = a z(s) + sum over the last computed steps h, and over the parts p of the batch, of  w(h, p) v(h, p)
 *
 * z(s) = latents that step s was given, v = velocities that the network answered. With guidance, the conditional and the
 * unconditional velocity have a weight each. This is a linear multistep method whose weights are fitted to the model.
 */
import * as z from 'zod';
import { QuantCacheError } from '../../errors.ts';
import type { Run, RunContext } from '../../policy.ts';
import { bytesOf, residualStore } from '../residuals.ts';
import type { Memory } from './memory.ts';

/** The computed steps of a run, the first included; no outputs where the next step is computed, too. */
export const planSchema = z.array(
  z.strictObject({
    step: z.int().nonnegative(),
    latents: z.number(),
    /** Of the outputs of the last computed steps, the latest first: one weight per part of the batch. */
    outputs: z.array(z.array(z.number()).min(1)),
  }),
);

export type LeapPlan = z.output<typeof planSchema>;

/** The plan of a run; undefined where there is none or leaps cannot be taken. Throws `invalid_option` for a broken one. */
export function planFor(
  plans: Readonly<Record<string, LeapPlan>>,
  { numSteps, canLeap }: Pick<RunContext, 'numSteps' | 'canLeap'>,
): LeapPlan | undefined {
  const plan = plans[numSteps];
  if (!plan || !canLeap) return undefined;
  const steps = plan.map(({ step }) => step);
  const rising = steps.every((step, i) => step > (steps[i - 1] ?? -1) && step < numSteps);
  if (steps[0] === 0 && rising) return plan;
  const message = `The plan for ${numSteps} steps computes the steps ${steps.join(', ') || 'of none'}; they must rise from 0 and end below ${numSteps}. Calibrate again.`;
  throw new QuantCacheError('invalid_option', message);
}

/** Takes the plan's leaps; what does not fit into the memory is computed. */
export function followPlan(plan: LeapPlan, { numSteps, warn }: RunContext, memory: Memory): Partial<Run> {
  const history = Math.max(...plan.map(({ outputs }) => outputs.length));
  const known = residualStore();
  const byStep = new Map(plan.map((entry, i) => [entry.step, { ...entry, next: plan[i + 1]?.step ?? numSteps }]));
  /** The computed steps whose outputs are kept, the latest first. */
  let computed: number[] = [];
  let fits: boolean | undefined;
  return {
    leap(step) {
      const from = byStep.get(step - 1);
      if (!from || from.next === step || from.outputs.length === 0 || !fits) return undefined;
      return {
        steps: from.next - step,
        latents: { tensor: known.get('latents')!, weight: from.latents },
        outputs: from.outputs.map((weights, i) => ({ tensor: known.get(`output ${computed[i]}`)!, weights })),
      };
    },
    observeOutput({ step, latents, output }) {
      fits ??= memory.reserve(bytesOf(latents) + history * bytesOf(output));
      if (!fits)
        return warn('The outputs that leaps are made of do not fit into the cache memory: every step is computed.');
      known.keep('latents', latents);
      known.keep(`output ${step}`, output);
      computed = [step, ...computed];
      for (const old of computed.splice(history)) known.drop(`output ${old}`);
    },
    heldBytes: known.bytes,
    dispose: known.dispose,
  };
}
