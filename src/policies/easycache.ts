/**
 * EasyCache (Zhou et al. 2025, arXiv 2507.02860): how fast the network's output follows its input was just seen, so the
 * change of its next output can be predicted from its next input alone, without calibration.
 *
 *     k = |v - v'|_1 / |x - x'|_1                   outputs v and latents x of the last two computed steps
 *     sum += k |x(s) - x(s-1)|_1 / |v|_1            v = the last computed output
 *     reuse while sum < threshold; a computed step sets the sum to 0
 *
 * The first steps and the last one are computed. The original has other defaults for each model: threshold 0.05 with 10 first
 * steps, or 0.025 with 5.
 *
 * Simplified: the original repeats v - x, here the network's last part runs and the stack of blocks repeats its residual;
 * means are over the whole output, both guidance halves and all channels, where the original takes the conditional half.
 */
import * as z from 'zod';
import { type Policy, type Run, type RunContext, reuse } from '../policy.ts';
import { tellIfAlwaysComputed } from './idle.ts';
import { readOptions } from './options.ts';

/** Options of `easycache`. */
export const easycacheOptions = z.strictObject({
  threshold: z
    .number()
    .nonnegative()
    .default(0.05)
    .describe('How much predicted change may add up before a step is computed; 0 computes all.'),
  warmup: z.int().positive().default(10).describe('Steps at the beginning that are always computed.'),
});

type Options = z.output<typeof easycacheOptions>;

/** Reuse of whole steps while the output is predicted to change little. */
export function easycache(given?: z.input<typeof easycacheOptions>): Policy {
  const options = readOptions('easycache', easycacheOptions, given);
  return { name: 'easycache', begin: (context) => begin(options, context) };
}

function begin({ threshold, warmup }: Options, context: RunContext): Run {
  const { numSteps, arithmetic, measure, state } = context;
  tellIfAlwaysComputed(context, 'easycache', { option: 'warmup', first: warmup, last: 1 });
  const kept = state.tensors('kept');
  const seen = state.data('seen', { sum: 0, speed: Number.NaN, outputSize: Number.NaN });
  /** In this step. */
  let computed = false;
  return {
    finest: 'step',
    async decide({ node, step, signal }) {
      if (node.level !== 'step') return undefined;
      const latents = await signal('latents');
      const before = kept.get('latents');
      const change = before ? await arithmetic.meanAbsolute(latents, before) : Number.NaN;
      kept.keep('latents', latents);
      const residual = kept.get('residual');
      if (step < warmup || step === numSteps - 1) seen.sum = 0;
      else seen.sum += (seen.speed * change) / seen.outputSize;
      measure({ step, path: node.path, values: { change, sum: seen.sum } });
      computed = false;
      if (residual && step >= warmup && step < numSteps - 1 && seen.sum < threshold) return reuse(residual);
      seen.sum = 0;
      return undefined;
    },
    wants: (node) => node.level === 'step',
    observe(_, residual) {
      computed = true;
      kept.keep('residual', residual);
    },
    async observeOutput({ latents, output }) {
      if (!computed) return;
      const [inputBefore, outputBefore] = [kept.get('computed latents'), kept.get('output')];
      if (inputBefore && outputBefore) {
        const moved = await arithmetic.meanAbsolute(latents, inputBefore);
        seen.speed = (await arithmetic.meanAbsolute(output, outputBefore)) / moved;
      }
      seen.outputSize = await arithmetic.meanAbsolute(output);
      kept.keep('computed latents', latents);
      kept.keep('output', output);
    },
    heldBytes: kept.bytes,
    dispose: kept.dispose,
  };
}
