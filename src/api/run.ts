/** `quantcache/run`: a run's options as data, pictures of it as it goes, and what the file of a clip says about its making. */
export { type DecodeOptions, decode } from '../decode.ts';
export { findPreviewMap, loadPreviewMap, type PreviewMap } from '../preview/map.ts';
export {
  createPreviews,
  type PreviewOptions,
  type Previews,
  type PreviewTime,
  previewTimes,
} from '../preview/previews.ts';
export { loadProfile } from '../profiles.ts';
export { loadReference } from '../references.ts';
export { decideRun, generateOptionsOf, type RunDecision } from '../run/decide.ts';
export { createKeeper, type Keeper, type KeeperOptions } from '../run/keeper.ts';
export { assertMemory, fitDecision, type MemoryRequest } from '../run/memory.ts';
export { type DecidedOptions, parseRunOptions, type RunOptions, runOptionsSchema } from '../run/options.ts';
export { type KeepOptions, keepPartial, openPartial, partialOf, removePartial, savePartial } from '../run/partial.ts';
export { type EarlierClip, type FoundPicture, picturesOf } from '../run/pictures.ts';
export {
  assertSameMaking,
  assertSameModel,
  type ClipRecord,
  differenceOf,
  readRecord,
  recordOf,
} from '../run/record.ts';
export {
  assertSameText,
  readLatents,
  readText,
  type SavedLatents,
  type SavedText,
  saveLatents,
  saveText,
  textsOf,
} from '../run/stages.ts';
export { type MemoryLimit, memoryLimit } from '../runtime/memorylimit.ts';
export { createRunState, type RunState, type SavedState } from '../state.ts';
