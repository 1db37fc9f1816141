/**
 * Plans fitted to what they do. A run that leaps drifts away from the full one, and what it computes is of lower precision;
 * so the weights of each leap are fitted where the run really is. All prompts are run together by the plan as far as it is
 * known, and each leap is chosen so that its latents come closest to those of the full runs:
 *
 *     a, w = argmin  sum over prompts of  | z_full(t) - a z(s) - sum over h, p of w(h, p) v(h, p) |^2
 *
 * z, v = latents and velocities of the run itself. Each leap repairs what it can of the errors before it. The computed
 * steps are then moved one at a time as long as that brings the last latents closer. Our definition.
 */
import { denoise } from '../denoise.ts';
import type { LoopOptions } from '../loop.ts';
import type { Precision } from '../model.ts';
import { dot, fitWeights } from '../policies/quantcache/leaping/solve.ts';
import { type LeapPlan, leapBy, shareOfWay } from '../policies/quantcache/leaps.ts';
import type { Leap, Policy } from '../policy.ts';
import type { Runtime, Tensor } from '../runtime/runtime.ts';
import { release, retain } from '../runtime/sharing.ts';
import { createTrace } from '../trace.ts';
import { entryOf, eulerWeights, longestHistory, partsOf } from './plan.ts';
import { velocitiesOf } from './record.ts';

/** One prompt: its loop, opened anew for every run, and the latents of its full run after every step. */
export interface Lesson {
  open(): Promise<AsyncDisposable & { readonly options: LoopOptions }>;
  readonly latents: readonly Float32Array[];
}

export interface FitRequest {
  readonly lessons: readonly Lesson[];
  /** The steps to compute. */
  readonly computed: readonly number[];
  readonly timesteps: readonly number[];
  readonly guidanceScale: number;
  readonly precision: Precision;
}

export interface FittedPlan {
  readonly plan: LeapPlan;
  /** Mean over prompts of -10 log10 of the mean squared error of the last latents. */
  readonly quality: number;
}

/** Fits the leaps between given steps. Throws what the loop throws, `aborted` when its signal fires. */
export async function fitLeaps(runtime: Runtime, request: FitRequest): Promise<FittedPlan> {
  const { lessons, computed, timesteps, guidanceScale, precision } = request;
  const parts = partsOf(guidanceScale);
  const plan: LeapPlan = [];
  const students: Student[] = [];
  try {
    for (const lesson of lessons) students.push(await enrol(runtime, lesson, precision));
    for (const [i, from] of computed.entries()) {
      for (const student of students) await student.compute();
      const to = computed[i + 1] ?? timesteps.length;
      if (to === from + 1) {
        plan.push({ step: from, latents: 1, outputs: [] });
        continue;
      }
      const count = Math.min(i + 1, longestHistory);
      const start = eulerWeights(timesteps, { from, to, guidanceScale, count });
      const share = shareOfWay(timesteps, from, to);
      const entry = entryOf(from, weightsFor(students, to, start), { parts, share });
      plan.push(entry);
      for (const student of students) await student.leap(entry, { steps: to - from - 1, share });
    }
    const errors = students.map(({ error }) => error());
    return { plan, quality: errors.reduce((sum, error) => sum - 10 * Math.log10(error), 0) / errors.length };
  } finally {
    for (const student of students) await student[Symbol.asyncDispose]();
  }
}

/** The weights over all prompts, of latents and velocities as `eulerWeights` orders them. */
function weightsFor(students: readonly Student[], to: number, start: readonly number[]): number[] {
  const products = start.map(() => start.map(() => 0));
  const targets = start.map(() => 0);
  for (const student of students) {
    const vectors = student.vectors().slice(0, start.length);
    for (const [i, a] of vectors.entries()) {
      targets[i]! += dot(a, student.target(to));
      for (const [j, b] of vectors.entries()) products[i]![j]! += dot(a, b);
    }
  }
  return fitWeights({ products, targets, start });
}

/** A prompt's run by the plan, as far as it is known. */
interface Student extends AsyncDisposable {
  /** Takes the next step by the network. */
  compute(): Promise<void>;
  /** Takes some steps by a leap over a share of the way. */
  leap(entry: LeapPlan[number], over: { readonly steps: number; readonly share: number }): Promise<void>;
  /** What the next leap is made of: the latents of the last computed step, velocities, the latest first. */
  vectors(): Float32Array[];
  /** The latents of the full run before a step. */
  target(step: number): Float32Array;
  /** Mean squared error of the latents after the last step taken. */
  error(): number;
}

async function enrol(runtime: Runtime, { open, latents: targets }: Lesson, precision: Precision): Promise<Student> {
  const loop = await open();
  const outputs: Tensor[] = [];
  let given: Tensor | undefined;
  /** The same latents and outputs as numbers. */
  let start = new Float32Array();
  let velocities: Float32Array[] = [];
  let pending: Leap | undefined;
  let after = new Float32Array();
  let done = 0;
  const policy: Policy = {
    name: 'fit',
    begin: () => ({
      finest: 'step',
      decide: () => undefined,
      leap: () => pending,
      async observeOutput({ latents, output }) {
        if (given) release(given);
        given = retain(latents);
        outputs.unshift(retain(output));
        start = (await runtime.read(latents)).slice();
        velocities = [...(await velocitiesOf(runtime, output, latents)), ...velocities];
      },
    }),
  };
  const steps = denoise({ ...loop.options, policy, precision, trace: createTrace() });
  const advance = async (count: number) => {
    let next = await steps.next();
    for (let i = 1; i < count; i++) next = await steps.next();
    if (!next.done) after = (await runtime.read(next.value.latents)).slice();
    done += count;
    pending = undefined;
  };
  return {
    compute: () => advance(1),
    leap(entry, over) {
      pending = leapBy(entry, over, { latents: given!, output: (age) => outputs[age]! });
      return advance(over.steps);
    },
    vectors: () => [start, ...velocities],
    target: (step) => targets[step - 1]!,
    error: () => {
      const difference = after.map((value, i) => value - targets[done - 1]![i]!);
      return dot(difference, difference) / difference.length;
    },
    async [Symbol.asyncDispose]() {
      const end = done === targets.length ? await steps.next() : await steps.return(undefined as never);
      if (end.done) end.value?.dispose();
      for (const tensor of [...outputs, ...(given ? [given] : [])]) release(tensor);
      await loop[Symbol.asyncDispose]();
    },
  };
}

export interface SearchRequest extends Omit<FitRequest, 'computed'> {
  /** Sets of steps to begin with: the best of them is improved. */
  readonly starts: readonly [readonly number[], ...(readonly number[])[]];
  /** The most plans to try. */
  readonly trials: number;
}

/** Moves computed steps, the first excepted, as long as that helps; yields how many plans were tried. */
export async function* searchSteps(
  runtime: Runtime,
  request: SearchRequest,
): AsyncGenerator<number, readonly number[]> {
  const numSteps = request.timesteps.length;
  const coarse = Math.max(2, Math.round(numSteps / 15));
  const tried = new Set<string>();
  const qualityOf = async (computed: readonly number[]) => {
    tried.add(computed.join());
    return (await fitLeaps(runtime, { ...request, computed })).quality;
  };
  let best = { computed: request.starts[0], quality: Number.NEGATIVE_INFINITY };
  for (const computed of request.starts) {
    if (tried.has(computed.join())) continue;
    const quality = await qualityOf(computed);
    yield tried.size;
    if (quality > best.quality) best = { computed, quality };
  }
  for (let improved = true; improved; ) {
    improved = false;
    for (const computed of neighbours(best.computed, [-1, 1, -coarse, coarse], numSteps)) {
      if (tried.has(computed.join())) continue;
      if (tried.size >= request.trials) return best.computed;
      const quality = await qualityOf(computed);
      yield tried.size;
      if (quality <= best.quality) continue;
      best = { computed, quality };
      improved = true;
      break;
    }
  }
  return best.computed;
}

/** All lists of rising steps in which one, but not the first, is moved. */
function* neighbours(computed: readonly number[], moves: readonly number[], numSteps: number): Generator<number[]> {
  for (const move of moves) {
    for (let i = 1; i < computed.length; i++) {
      const moved = computed.with(i, computed[i]! + move);
      const before = moved[i - 1]!;
      const after = moved[i + 1] ?? numSteps;
      if (moved[i]! > before && moved[i]! < after) yield moved;
    }
  }
}
