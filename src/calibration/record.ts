/**
 * One full run as calibration needs it: the latents after every step, which plans are fitted to, and the inner products of
 * all that a leap could be made of, which say how good any leap would be without running it (`plan.ts`). Told by a policy that
 * accelerates nothing, so that any full run can be recorded while it makes its clip.
 */
import { denoise } from '../denoise.ts';
import type { LoopOptions } from '../loop.ts';
import type { StepChange } from '../policies/fitting.ts';
import { full } from '../policies/full.ts';
import { dot } from '../policies/quantcache/leaping/solve.ts';
import { type Policy, stack } from '../policy.ts';
import type { Runtime, Tensor } from '../runtime/runtime.ts';
import { createTrace } from '../trace.ts';
import { watchSteps } from './watch.ts';

/** What one full run shows. */
export interface RecordedRun {
  /** After every step. */
  readonly latents: readonly Float32Array[];
  /** Inner products, `[row][column]` for column <= row, of the vectors that `vectorIndex` numbers. */
  readonly gram: readonly (readonly number[])[];
  /** From the second step on. */
  readonly changes: readonly StepChange[];
}

/** Numbers the vectors of a run of so many steps and parts: latents before each step, the last latents, velocities. */
export const vectorIndex = (numSteps: number, parts: number) => ({
  latents: (step: number): number => step,
  velocity: (step: number, part: number): number => numSteps + 1 + step * parts + part,
});

/** Records the one run of its policy. */
export interface Recorder {
  /** Full computation of one clip. What it saw is part of the run's state. */
  readonly policy: Policy;
  /** What was recorded of a run that ended at such latents; undefined where it did not see all steps. */
  finish(last: Float32Array): RecordedRun | undefined;
}

/** What a recorder saw so far, step by step. */
interface Seen {
  readonly latents: Float32Array[];
  readonly velocities: Float32Array[];
  readonly changes: StepChange[];
}

export function createRecorder(runtime: Pick<Runtime, 'read'>): Recorder {
  let seen: Seen = { latents: [], velocities: [], changes: [] };
  let numSteps: number | undefined;
  const recording: Policy = {
    name: 'recording',
    begin(context) {
      numSteps = context.numSteps;
      seen = context.state.data('recorded', seen);
      return {
        finest: 'step',
        decide: () => undefined,
        async observeOutput({ latents, output }) {
          seen.velocities.push(...(await velocitiesOf(runtime, output, latents)));
          seen.latents.push((await runtime.read(latents)).slice());
        },
      };
    },
  };
  return {
    policy: stack(
      'full',
      full(),
      watchSteps((change) => seen.changes.push(change)),
      recording,
    ),
    finish(last) {
      if (seen.latents.length !== numSteps) return undefined;
      const latents = [...seen.latents, last];
      const vectors = [...latents, ...seen.velocities];
      const gram = vectors.map((a, row) => vectors.slice(0, row + 1).map((b) => dot(a, b)));
      return { latents: latents.slice(1), gram, changes: seen.changes };
    },
  };
}

/** Runs the loop at full computation; yields the number of steps that are done. */
export async function* recordRun(runtime: Runtime, loop: LoopOptions): AsyncGenerator<number, RecordedRun> {
  const { policy, finish } = createRecorder(runtime);
  const steps = denoise({ ...loop, policy, precision: 'fp32', trace: createTrace() });
  try {
    let next = await steps.next();
    for (; !next.done; next = await steps.next()) yield next.value.step + 1;
    const last = (await runtime.read(next.value)).slice();
    next.value.dispose();
    return finish(last)!;
  } finally {
    await steps.return(undefined as never); // left before its end, it frees what it holds
  }
}

/** The velocities in an output for one prompt, one per part of its batch; further channels are left out. */
export async function velocitiesOf(
  runtime: Pick<Runtime, 'read'>,
  output: Tensor,
  latents: Tensor,
): Promise<Float32Array[]> {
  const values = await runtime.read(output);
  const [parts, channels] = output.dims;
  const [, used] = latents.dims;
  const part = values.length / parts!;
  return Array.from({ length: parts! }, (_, i) => values.slice(i * part, i * part + (part * used!) / channels!));
}
