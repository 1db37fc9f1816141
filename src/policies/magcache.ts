/**
 * MagCache (Ma et al. 2025, arXiv 2506.09045), as coded for Open-Sora 1.2: the size of a step's residual falls from step
 * to step in a way that hardly depends on the prompt, and tells how far an old one has drifted.
 *
 *     g(s) = |r(s)| / |r(s-1)|, calibrated once;  drift *= g(s);  error += 1 - drift, with its sign
 *     reuse while error <= threshold and at most K in a row, after the first part of the run
 *     a computed step sets drift to 1 and error to 0
 *
 * Defaults of the original: threshold 0.12, K = 3 (0.24 and 5 for more speed), first part 0.2. Ratios
 * belong to a checkpoint (`Arithmetic.magnitudeRatio` measures them); for other numbers of steps the nearest ones are taken.
 */
import * as z from 'zod';
import { QuantCacheError } from '../errors.ts';
import { type Policy, type Run, type RunContext, reuse } from '../policy.ts';
import type { Fit } from './fitting.ts';
import { tellIfAlwaysComputed } from './idle.ts';
import { readOptions } from './options.ts';

/** Options of `magcache`. */
export const magcacheOptions = z.strictObject({
  threshold: z.number().nonnegative().default(0.12).describe('How much error may add up before a step is computed.'),
  maxInARow: z.int().nonnegative().default(3).describe('Reused steps before one has to be computed; 0 computes all.'),
  retention: z
    .number()
    .min(0)
    .max(1)
    .default(0.2)
    .describe('Part of the run at the beginning that is always computed.'),
  ratios: z
    .array(z.number().positive())
    .min(1)
    .optional()
    .describe(
      'Size of each residual over the one before, from the second step on, stretched to the number of steps; needed where none were fitted to the model or published for it.',
    ),
});

type Options = z.output<typeof magcacheOptions>;

/** Reuse of whole steps while residuals keep their size. */
export function magcache(given?: z.input<typeof magcacheOptions>): Policy {
  const options = readOptions('magcache', magcacheOptions, given);
  return { name: 'magcache', begin: (context) => begin(options, context) };
}

function begin({ threshold, maxInARow, retention, ratios }: Options, context: RunContext): Run {
  const { numSteps, measure, state } = context;
  if (!ratios)
    throw new QuantCacheError(
      'invalid_option',
      'Policy "magcache" has no ratios for this model; fit them with "quantcache calibrate --policy magcache", or give the option ratios.',
    );
  const kept = state.tensors('residuals');
  const stretched = nearest(ratios, numSteps - 1);
  const first = Math.trunc(retention * numSteps);
  tellIfAlwaysComputed(context, 'magcache', { option: 'retention', first });
  const now = state.data('drift', { drift: 1, error: 0, inARow: 0 });
  return {
    finest: 'step',
    decide({ node, step }) {
      if (node.level !== 'step') return undefined;
      const residual = kept.get('residual');
      if (!residual || step < first) return undefined;
      now.drift *= stretched[step - 1]!;
      now.error += 1 - now.drift;
      now.inARow++;
      measure({ step, path: node.path, values: { drift: now.drift, error: now.error } });
      if (now.error <= threshold && now.inARow <= maxInARow) return reuse(residual);
      Object.assign(now, { drift: 1, error: 0, inARow: 0 });
      return undefined;
    },
    wants: (node) => node.level === 'step',
    observe: (_, residual) => kept.keep('residual', residual),
    heldBytes: kept.bytes,
    dispose: kept.dispose,
  };
}

/** A list of another length, each entry the nearest of the given ones. */
function nearest(values: readonly number[], length: number): number[] {
  const scale = length > 1 ? (values.length - 1) / (length - 1) : 0;
  return Array.from({ length }, (_, i) => values[Math.round(i * scale)]!);
}

/** The mean ratio of each step. */
export const fitMagcache: Fit = (runs) => ({
  ratios: runs[0]!.map((_, i) => runs.reduce((sum, run) => sum + run[i]!.magnitude, 0) / runs.length),
});
