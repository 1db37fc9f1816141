/**
 * TeaCache (Liu et al. 2024, arXiv 2411.19108), as coded for Open-Sora 1.2: how much the network's timestep-modulated
 * input changed tells how much its output will; the whole step's residual is reused until the changes add up.
 *
 *     d(s) = |x(s) - x(s-1)|_1 / |x(s-1)|_1          x = input of the first module, after the timestep modulated it
 *     sum += poly(d);  reuse while sum < threshold;  a computed step sets the sum to 0
 *
 * The first and the last step are computed. Defaults of the original: threshold 0.1 (slow) or 0.2 (fast), and a fitted
 * polynomial, highest power first. The polynomial belongs to a checkpoint; without one, the change is taken as it is.
 */
import * as z from 'zod';
import { type Policy, type Run, type RunContext, reuse } from '../policy.ts';
import type { Fit } from './fitting.ts';
import { fitPolynomial } from './leastsquares.ts';
import { readOptions } from './options.ts';

/** Options of `teacache`. */
export const teacacheOptions = z.strictObject({
  threshold: z
    .number()
    .nonnegative()
    .default(0.1)
    .describe('How much change may add up before a step is computed; 0 computes all.'),
  coefficients: z
    .array(z.number())
    .min(1)
    .default([1, 0])
    .describe(
      'Polynomial from change of input to change of output, highest power first; [1, 0], where none was fitted to the model or published for it, takes the change as it is.',
    ),
});

type Options = z.output<typeof teacacheOptions>;

/** Reuse of whole steps while the input changes little. */
export function teacache(given?: z.input<typeof teacacheOptions>): Policy {
  const options = readOptions('teacache', teacacheOptions, given);
  return { name: 'teacache', begin: (context) => begin(options, context) };
}

function begin({ threshold, coefficients }: Options, { numSteps, arithmetic, measure, state }: RunContext): Run {
  const kept = state.tensors('kept');
  const changed = state.data('changed', { sum: 0 });
  return {
    finest: 'step',
    async decide({ node, step, signal }) {
      if (node.level !== 'step') return undefined;
      const input = await signal('modulated-input');
      const before = kept.get('input');
      const change = before ? await arithmetic.relativeL1(input, before) : Number.NaN;
      kept.keep('input', input);
      changed.sum += polynomial(coefficients, change);
      measure({ step, path: node.path, values: { change, sum: changed.sum } });
      const residual = kept.get('residual');
      if (residual && changed.sum < threshold && step < numSteps - 1) return reuse(residual);
      changed.sum = 0;
      return undefined;
    },
    wants: (node) => node.level === 'step',
    observe: (_, residual) => kept.keep('residual', residual),
    heldBytes: kept.bytes,
    dispose: kept.dispose,
  };
}

/** A polynomial's value by Horner's rule. */
const polynomial = (coefficients: readonly number[], x: number): number =>
  coefficients.reduce((value, coefficient) => value * x + coefficient, 0);

/** The polynomial of degree 4 from the change of the input to that of the output, as the original fits it. */
export const fitTeacache: Fit = (runs) => {
  const changes = runs.flat().filter(({ input }) => input !== undefined);
  const coefficients = fitPolynomial(
    changes.map(({ input }) => input!),
    changes.map(({ output }) => output),
    4,
  );
  return { coefficients };
};
