/** How each kind of Open-Sora reference case is verified. */
import type { Verifier } from '../../../verification/case.ts';
import { verifyRflow } from './rflow.ts';
import { verifyStdit3 } from './stdit3.ts';

export const openSoraVerifiers: Readonly<Record<string, Verifier>> = {
  stdit3_forward: verifyStdit3,
  rflow_sample: verifyRflow,
};
