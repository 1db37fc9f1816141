/** No acceleration: every module of every block at every step. What all other policies are measured against. */
import * as z from 'zod';
import { compute, type Policy } from '../policy.ts';
import { readOptions } from './options.ts';

/** `full` has no options. */
export const fullOptions = z.strictObject({});

/** Computes everything. */
export function full(options?: z.input<typeof fullOptions>): Policy {
  readOptions('full', fullOptions, options);
  return { name: 'full', begin: () => ({ finest: 'step', decide: () => compute() }) };
}
