/**
 * What every residual would do at every later step of a full run: the calibration's raw material.
 *
 *     e(s, i) = z'(s, i) - z'(s, none)        z'(s, i) = latents after step s, had it added the residual of step i <= s
 *     G(s)[i][j] = <e(s, i), e(s, j)>
 *
 * e(s, s) is what the step did. The final layer and guidance are nearly affine in the residual, so the best weights of any
 * sum of earlier residuals, and the error that remains, follow from G alone (`plan.ts`): one full run per prompt serves
 * every schedule. Errors are in the unit of the latents, with guidance and step length in them. Our definition.
 */
import { denoise } from '../denoise.ts';
import type { LoopOptions } from '../loop.ts';
import type { StepChange } from '../policies/fitting.ts';
import { type Policy, stack } from '../policy.ts';
import type { Runtime, Tensor } from '../runtime/runtime.ts';
import { release, retain } from '../runtime/sharing.ts';
import { createTrace } from '../trace.ts';
import { watchSteps } from './watch.ts';

/** What one full run shows. */
export interface Effects {
  /** `grams[s]` is G(s), `[s + 1][s + 1]`. */
  readonly grams: readonly (readonly (readonly number[])[])[];
  /** From the second step on. */
  readonly changes: readonly StepChange[];
}

/** Runs the loop at full computation; yields the number of steps that are done. */
export async function* measureEffects(runtime: Runtime, loop: LoopOptions): AsyncGenerator<number, Effects> {
  const residuals: Tensor[] = [];
  const changes: StepChange[] = [];
  const grams: number[][][] = [];
  const policy = stack(
    'calibration',
    keepResiduals(residuals),
    watchSteps((change) => changes.push(change)),
  );
  const steps = denoise({ ...loop, policy, precision: 'fp32', trace: createTrace() });
  try {
    let next = await steps.next();
    for (; !next.done; next = await steps.next()) {
      const { step, timestep, input, frameMask } = next.value;
      const advance = async (output: Tensor) => {
        const latents = await loop.sampler.advance(
          input,
          { latents: input, frameMask: frameMask?.map((row) => [...row]) },
          output,
          step,
        );
        release(output);
        const values = (await runtime.read(latents)).slice();
        release(latents);
        return values;
      };
      const evaluation = await loop.denoiser.evaluate(input, timestep, frameMask);
      const nothing = await advance(await evaluation.finish(evaluation.hidden));
      const effects: Float32Array[] = [];
      for (const residual of residuals) {
        const hidden = await loop.arithmetic.add(evaluation.hidden, residual);
        const after = await advance(await evaluation.finish(hidden));
        release(hidden);
        effects.push(after.map((value, i) => value - nothing[i]!));
      }
      release(evaluation.hidden);
      evaluation.dispose();
      grams.push(effects.map((a) => effects.map((b) => dot(a, b))));
      yield step + 1;
    }
    next.value.dispose();
  } finally {
    await steps.return(undefined as never); // left before its end, it frees what it holds
    for (const residual of residuals) release(residual);
  }
  return { grams, changes };
}

function keepResiduals(residuals: Tensor[]): Policy {
  return {
    name: 'keep-residuals',
    begin: () => ({
      decide: () => undefined,
      wants: ({ level }) => level === 'step',
      observe: (_, residual) => void residuals.push(retain(residual)),
    }),
  };
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
