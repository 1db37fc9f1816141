/** The public API: everything that programs, the command line and benchmarks use. */

export { createRuntime, type RuntimeOptions } from '#runtime';
export { type CalibrationEvent, calibrate } from './calibration/calibrate.ts';
export { type Candidate, optionsOf } from './calibration/candidate.ts';
export { measure } from './calibration/measure.ts';
export { loadMeasurements, noMeasurements, saveMeasurements } from './calibration/measurements.ts';
export { calibrationPrompts } from './calibration/prompts.ts';
export { pickRecipe, type RecipesOptions, type RecipeTrial, recipesToTry, tryRecipes } from './calibration/recipes.ts';
export { openRecipeTrials } from './calibration/recipetrials.ts';
export { pick, reaches, type Target } from './calibration/targets.ts';
export { type Clip, concatFrames } from './clip.ts';
export {
  cachesReport,
  machineReport,
  type SelfTest,
  testDemoModel,
  testIntegerProducts,
  versionsReport,
} from './doctor.ts';
export { type ErrorCode, exitCode, messageOf, QuantCacheError } from './errors.ts';
export {
  finish,
  type GenerateEvent,
  type GenerateOptions,
  type GenerateResult,
  generate,
  type Stage,
} from './generate.ts';
export {
  type Agreement,
  type AgreementShares,
  agreement,
  agreementShares,
  judge,
  overallAgreement,
  readWanted,
  sceneAgreement,
} from './metrics/agreement/agreement.ts';
export { type Consistency, consistency } from './metrics/agreement/consistency.ts';
export { attributesOfPrompt } from './metrics/agreement/prompt.ts';
export { type Quality, quality } from './metrics/agreement/quality.ts';
export { readAttributes, type Shown } from './metrics/agreement/reader.ts';
export { readTrack, type Track } from './metrics/agreement/track.ts';
export { type Attributes, attributes, readVocabulary, type Vocabulary } from './metrics/agreement/vocabulary.ts';
export { type ClipModel, type ClipParts, loadClipModel } from './metrics/clipmodel/model.ts';
export { type PixelConfig, parsePixelConfig } from './metrics/clipmodel/pixels.ts';
export { type ClipScores, clipScores } from './metrics/clipmodel/scores.ts';
export { type Features, featureDistance } from './metrics/featuredistance.ts';
export { psnr } from './metrics/psnr.ts';
export { relativeL2 } from './metrics/relativel2.ts';
export { ssim } from './metrics/ssim.ts';
export { dynamicDegree, flicker, motionSmoothness } from './metrics/temporal.ts';
export {
  type Geometry,
  type Level,
  type Node,
  nodesOf,
  type Precision,
  precisions,
  treeOf,
} from './model.ts';
export { demoModel, type ModelOptions, openModel, verifiers } from './models/index.ts';
export type { FamilyOptions, Pipeline, SizeRequest } from './pipeline.ts';
export { describePolicies, type PolicyDescription } from './policies/describe.ts';
export { createPolicy, policyEntry } from './policies/index.ts';
export type { Profile, WrittenProfile } from './policies/quantcache/profile.ts';
export {
  type Action,
  compute,
  type Policy,
  type Run,
  type RunContext,
  reuse,
  type Site,
  skip,
  stack,
} from './policy.ts';
export { saveFitted, saveProfile } from './profiles.ts';
export { type ActivationRecorder, activationRecorder } from './quantization/activations.ts';
export { recipesFile, saveCalibrated } from './quantization/calibrated.ts';
export type { QuantizationOptions } from './quantization/quantizer.ts';
export {
  defaultRecipes,
  type IntegerPrecision,
  isInteger,
  isSimulated,
  type Recipe,
  simulation,
} from './quantization/recipe.ts';
export { type QuantizationMethod, quantizationMethods } from './quantization/recipes.ts';
export { loadReference } from './references.ts';
export { decideRun, generateOptionsOf, type RunDecision } from './run/decide.ts';
export { type DecidedOptions, parseRunOptions, type RunOptions, runOptionsSchema } from './run/options.ts';
export {
  assertSameMaking,
  type ClipRecord,
  differenceOf,
  picturesOf,
  readRecord,
  recordOf,
} from './run/record.ts';
export type { Backend, Runtime, Tensor } from './runtime/runtime.ts';
export { release, retain } from './runtime/sharing.ts';
export {
  parseTraceDocument,
  summarizeDocument,
  type TraceDocument,
  traceDocument,
  tracePurpose,
} from './trace/document.ts';
export { decisionMap } from './trace/map.ts';
export { summarize, summaryLines, type TraceSummary } from './trace/summary.ts';
export { createTrace, type Decision, type Trace } from './trace.ts';
export { defaultTolerance, type VerificationResult, verifyFolder } from './verification/verify.ts';
export { version } from './version.ts';
export { contactSheet } from './video/contactsheet.ts';
export { type Frames, frameAt, framesFromDecoded, framesToTensor, makeFrames } from './video/frames.ts';
export { loadImage } from './video/image.ts';
export { readMetadata, type VideoMetadata } from './video/metadata.ts';
export { assertFormat, assertWritable, saveVideo, videoExtensions } from './video/save.ts';
export { pngOfSvg } from './video/svg.ts';
export type { HubEvent } from './weights/hub.ts';
