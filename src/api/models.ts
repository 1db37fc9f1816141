/** `quantcache/models`: what a model family is, those that there are, and samplers to build one with. */
export { type NamedSampler, samplerNamed } from '../loop.ts';
export type {
  Denoiser,
  Evaluation,
  Geometry,
  ModuleRequest,
  ModuleResult,
  Node,
  Role,
  TextConditioning,
  TextContext,
} from '../model.ts';
export type { Family, ModuleSizes, RandomModules } from '../models/family.ts';
export { demoFolder, demoModel, families } from '../models/index.ts';
export type {
  ClipLimits,
  Conditioning,
  ConditionRequest,
  Costs,
  GenerationDefaults,
  ModuleCost,
  NetworkStage,
  Pipeline,
  PixelStage,
  PreparedPrompt,
  Start,
  TextRequest,
  TextStage,
} from '../pipeline.ts';
export { sizeOf } from '../pipeline.ts';
export type { LatentMask, Sampler, SamplerMethod, SamplerOptions, Schedule, StepInput } from '../sampler.ts';
export { samplers } from '../samplers/index.ts';
