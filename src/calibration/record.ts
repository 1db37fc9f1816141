/**
 * One full run as calibration needs it: the latents after every step, which plans are fitted to, and the inner products of
 * all that a leap could be made of, which say how good any leap would be without running it (`plan.ts`).
 */
import { denoise } from '../denoise.ts';
import type { LoopOptions } from '../loop.ts';
import type { StepChange } from '../policies/fitting.ts';
import { full } from '../policies/full.ts';
import { dot } from '../policies/quantcache/leaping/solve.ts';
import { stack } from '../policy.ts';
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

/** Runs the loop at full computation; yields the number of steps that are done. */
export async function* recordRun(runtime: Runtime, loop: LoopOptions): AsyncGenerator<number, RecordedRun> {
  const changes: StepChange[] = [];
  const policy = stack(
    'calibration',
    full(),
    watchSteps((change) => changes.push(change)),
  );
  const latents = [(await runtime.read(loop.latents)).slice()];
  const velocities: Float32Array[] = [];
  const steps = denoise({ ...loop, policy, precision: 'fp32', trace: createTrace() });
  try {
    let next = await steps.next();
    for (; !next.done; next = await steps.next()) {
      velocities.push(...(await velocitiesOf(runtime, next.value.output!, next.value.latents)));
      latents.push((await runtime.read(next.value.latents)).slice());
      yield next.value.step + 1;
    }
    next.value.dispose();
  } finally {
    await steps.return(undefined as never); // left before its end, it frees what it holds
  }
  const vectors = [...latents, ...velocities];
  const gram = vectors.map((a, row) => vectors.slice(0, row + 1).map((b) => dot(a, b)));
  return { latents: latents.slice(1), gram, changes };
}

/** The velocities in an output for one prompt, one per part of its batch; further channels are left out. */
export async function velocitiesOf(runtime: Runtime, output: Tensor, latents: Tensor): Promise<Float32Array[]> {
  const values = await runtime.read(output);
  const [parts, channels] = output.dims;
  const [, used] = latents.dims;
  const part = values.length / parts!;
  return Array.from({ length: parts! }, (_, i) => values.slice(i * part, i * part + (part * used!) / channels!));
}
