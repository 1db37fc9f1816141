/** `quantcache/run`: a run's options as data, and what the file of a clip says about its making. */
export { loadReference } from '../references.ts';
export { decideRun, generateOptionsOf, type RunDecision } from '../run/decide.ts';
export { type DecidedOptions, parseRunOptions, type RunOptions, runOptionsSchema } from '../run/options.ts';
export { assertSameMaking, type ClipRecord, differenceOf, picturesOf, readRecord, recordOf } from '../run/record.ts';
