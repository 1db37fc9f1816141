/** How each kind of Open-Sora reference case is verified. */
import type { Verifier } from '../../../verification/case.ts';
import { verifyAdacache } from './adacache.ts';
import { verifyPab } from './pab.ts';
import { verifyRflow } from './rflow.ts';
import { verifyStdit3 } from './stdit3.ts';
import { verifyTextEncoder } from './t5.ts';
import { verifyPreprocessing, verifyTimesteps, verifyTokenizer } from './text.ts';
import { verifyJointVae, verifySpatialVae, verifyTemporalVae } from './vae.ts';

export const openSoraVerifiers: Readonly<Record<string, Verifier>> = {
  stdit3_forward: verifyStdit3,
  rflow_sample: verifyRflow,
  adacache_sample: verifyAdacache,
  pab_schedule: verifyPab,
  rflow_timesteps: verifyTimesteps,
  t5_encoder: verifyTextEncoder,
  t5_tokenizer: verifyTokenizer,
  text_preprocessing: verifyPreprocessing,
  vae_spatial: verifySpatialVae,
  vae_temporal: verifyTemporalVae,
  vae_joint: verifyJointVae,
};
