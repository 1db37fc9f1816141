/** No acceleration: every module of every block at every step. What all other policies are measured against. */
import { compute, type Policy } from '../policy.ts';

export const full = (): Policy => ({ name: 'full', begin: () => ({ decide: () => compute() }) });
