/** The samplers that any straight flow works with, by name. Adding one is a file and an entry here. */
import type { Runtime } from '../runtime/runtime.ts';
import type { SamplerMethod, SamplerOptions } from '../sampler.ts';
import { euler } from './euler.ts';
import { heun, heunVisits } from './heun.ts';
import { type MultistepMethod, multistep } from './multistep.ts';

const remembering = (description: string, method: MultistepMethod): SamplerMethod => ({
  description,
  create: (runtime: Runtime, options: SamplerOptions) => multistep(runtime, options, method),
});

export const samplers = {
  euler: { description: 'one step along the velocity at a time', create: euler },
  unipc: remembering('UniPC of order 2 (bh2): a step from two predictions of the data, corrected by the next', {
    name: 'unipc',
    order: 2,
    predicts: 'data',
    corrects: true,
  }),
  'unipc-3': remembering('UniPC of order 3', { name: 'unipc-3', order: 3, predicts: 'data', corrects: true }),
  'dpm-solver++': remembering('DPM-Solver++ 2M: a step from two predictions of the data', {
    name: 'dpm-solver++',
    order: 2,
    predicts: 'data',
    corrects: false,
  }),
  'adams-bashforth': remembering('Adams-Bashforth of order 2: a step from the last two velocities', {
    name: 'adams-bashforth',
    order: 2,
    predicts: 'velocity',
    corrects: false,
  }),
  heun: { description: 'Heun: two evaluations for each noise level but the first', visits: heunVisits, create: heun },
} as const satisfies Readonly<Record<string, SamplerMethod>>;
