/**
 * The outer level of caching by plan: calibration has chosen the steps to compute, and for each of them how the latents of
 * the next one follow, without the network, from what is known by then (`calibration/plan.ts`):
 *
 *     z(next) = a z(s) + T sum over the last computed steps h, and over the parts p of the batch, of  w(h, p) v(h, p)
 *
 * z(s) = latents that step s was given, v = velocities that the network answered, T = the share of the way from noise to
 * data between s and the next: clips of other lengths and sizes have other timesteps. With guidance, the conditional and
 * the unconditional velocity have a weight each. This is a linear multistep method whose weights are fitted to the model.
 */
import * as z from 'zod';
import { QuantCacheError } from '../../errors.ts';
import type { Leap, Run, RunContext } from '../../policy.ts';
import type { Tensor } from '../../runtime/runtime.ts';
import { bytesOf } from '../../runtime/tensorstore.ts';
import type { Memory } from './memory.ts';

/** Conditional and unconditional. */
const mostParts = 2;

/** The computed steps of a run, the first included; no outputs where the next step is computed, too. */
export const planSchema = z
  .array(
    z.strictObject({
      step: z.int().nonnegative(),
      latents: z.number(),
      /** Of the outputs of the last computed steps, the latest first, for the whole way: one weight per part of the batch. */
      outputs: z.array(z.array(z.number()).min(1).max(mostParts)),
    }),
  )
  .refine(
    (plan) => new Set(plan.flatMap(({ outputs }) => outputs.map((weights) => weights.length))).size <= 1,
    'all outputs take as many weights: 2 with guidance, 1 without',
  );

export type LeapPlan = z.output<typeof planSchema>;

/**
 * The plan of a run: that of the nearest number of steps, moved to the same times. Undefined where there is none or leaps
 * cannot be taken. Throws `invalid_option` for a broken one.
 */
export function planFor(
  plans: Readonly<Record<string, LeapPlan>>,
  { numSteps, leap }: Pick<RunContext, 'numSteps' | 'leap'>,
): LeapPlan | undefined {
  const [first, ...others] = Object.keys(plans).map(Number);
  if (first === undefined || !leap) return undefined;
  const distance = (length: number) => Math.abs(Math.log(length / numSteps));
  const length = others.reduce((best, one) => (distance(one) < distance(best) ? one : best), first);
  const plan = plans[length]!;
  checkSteps(plan, length);
  const moved = plan.map((entry) => ({
    ...entry,
    step: Math.min(numSteps - 1, Math.round((entry.step * numSteps) / length)),
  }));
  return moved.filter(({ step }, i) => i === 0 || step > moved[i - 1]!.step);
}

function checkSteps(plan: LeapPlan, length: number): void {
  const steps = plan.map(({ step }) => step);
  const rising = steps.every((step, i) => step > (steps[i - 1] ?? -1) && step < length);
  if (steps[0] === 0 && rising) return;
  const message = `The plan for ${length} steps computes the steps ${steps.join(', ') || 'of none'}; they must rise from 0 and end below ${length}. Calibrate again.`;
  throw new QuantCacheError('invalid_option', message);
}

/** The share of the way from noise to data that lies between two steps of a run. */
export const shareOfWay = (timesteps: readonly number[], from: number, to: number): number =>
  (timesteps[from]! - (timesteps[to] ?? 0)) / timesteps[0]!;

/** A leap by the weights of a plan, over a share of the way, from the tensors that it needs. */
export function leapBy(
  { latents, outputs }: LeapPlan[number],
  { steps, share }: { readonly steps: number; readonly share: number },
  known: { readonly latents: Tensor; output(age: number): Tensor },
): Leap {
  return {
    steps,
    latents: { tensor: known.latents, weight: latents },
    outputs: outputs.map((weights, age) => ({
      tensor: known.output(age),
      weights: weights.map((weight) => weight * share),
    })),
  };
}

/** Takes the plan's leaps; what does not fit into the memory is computed. */
export function followPlan(
  plan: LeapPlan,
  { numSteps, timesteps, warn, state }: RunContext,
  memory: Memory,
): Partial<Run> {
  const history = Math.max(...plan.map(({ outputs }) => outputs.length));
  const parts = plan.flatMap(({ outputs }) => outputs)[0]?.length;
  const known = state.tensors('outputs');
  const byStep = new Map(plan.map((entry, i) => [entry.step, { ...entry, next: plan[i + 1]?.step ?? numSteps }]));
  const now = state.data<{ computed: number[]; fits?: boolean }>('leaps', {
    /** The computed steps whose outputs are kept, the latest first. */
    computed: [],
  });
  return {
    leap(step) {
      const from = byStep.get(step - 1);
      if (!from || from.next === step || from.outputs.length === 0 || !now.fits) return undefined;
      if (now.computed.length < from.outputs.length) return undefined; // a plan that was moved may have lost early steps
      const share = shareOfWay(timesteps, from.step, from.next);
      return leapBy(
        from,
        { steps: from.next - step, share },
        { latents: known.get('latents')!, output: (age) => known.get(`output ${now.computed[age]}`)! },
      );
    },
    observeOutput({ step, latents, output }) {
      if (parts !== undefined && parts !== output.dims[0]! / latents.dims[0]!) {
        now.fits = false;
        return warn(
          'The leaps were fitted with guidance and the run has none, or the other way: every step is computed.',
        );
      }
      now.fits ??= memory.reserve(bytesOf(latents) + history * bytesOf(output));
      if (!now.fits)
        return warn('The outputs that leaps are made of do not fit into the cache memory: every step is computed.');
      known.keep('latents', latents);
      known.keep(`output ${step}`, output);
      now.computed.unshift(step);
      for (const old of now.computed.splice(history)) known.drop(`output ${old}`);
    },
    heldBytes: known.bytes,
    dispose: known.dispose,
  };
}
