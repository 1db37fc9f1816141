/**
 * Prompts to videos: what a program needs. Tools find the rest in subpaths: `quantcache/models`, `/policies`, `/trace`,
 * `/video`, `/metrics`, `/calibration`, `/quantization`, `/run`, `/verification`,
 * `/doctor`.
 */
export { createRuntime, type RuntimeOptions } from '#runtime';
export type { Clip } from './clip.ts';
export { type ErrorCode, QuantCacheError } from './errors.ts';
export {
  finish,
  type GenerateEvent,
  type GenerateOptions,
  type GenerateResult,
  generate,
  type Stage,
} from './generate.ts';
export { type Geometry, type Precision, precisions } from './model.ts';
export type { ModelOptions } from './models/family.ts';
export { openModel } from './models/index.ts';
export type { FamilyOptions, Pipeline, SizeRequest } from './pipeline.ts';
export { describePolicies, type PolicyDescription } from './policies/describe.ts';
export { createPolicy } from './policies/index.ts';
export type { Profile } from './policies/quantcache/profile.ts';
export type { Policy } from './policy.ts';
export { decideRun, generateOptionsOf, type RunDecision } from './run/decide.ts';
export type { DecidedOptions, RunOptions } from './run/options.ts';
export type { Backend, Runtime, Session, Tensor } from './runtime/runtime.ts';
export type { Trace } from './trace.ts';
export { version } from './version.ts';
export { type Frames, framesFromDecoded } from './video/frames.ts';
export { loadImage } from './video/image.ts';
export type { VideoMetadata } from './video/metadata.ts';
export { saveVideo } from './video/save.ts';
export type { HubEvent } from './weights/hub.ts';
