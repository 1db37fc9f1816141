/**
 * Whether a run fits into memory, estimated before it begins, and how much of it is left for what policies keep of earlier
 * steps. Estimates are of what cannot be done without: a run that is refused would not have fitted.
 */
import { QuantCacheError } from '../errors.ts';
import { type Geometry, modulesIn, type Precision, treeOf } from '../model.ts';
import type { Pipeline } from '../pipeline.ts';
import { policyEntry } from '../policies/index.ts';
import { type MemoryLimit, memoryLimit } from '../runtime/memorylimit.ts';
import type { RunDecision } from './decide.ts';

/** What is to fit. */
export interface MemoryRequest {
  readonly geometry: Geometry;
  readonly prompts: number;
  readonly loops?: number;
  /** Of the network; absent where it is not run. */
  readonly precision?: Precision;
  /** The memory that may be used. Default: what the machine, its container or its limits leave. */
  readonly limit?: MemoryLimit;
}

/** What needs memory, in bytes, by its name in messages. */
type Needs = Readonly<Record<string, number>>;

/** Hidden states that attention cannot do without: its input, query, key and value. */
const hiddenStates = 4;
const bytesPerNumber = 4;
/** Bytes of Node, ONNX Runtime and this program before anything is computed: a low estimate. */
const programBytes = 100 * 2 ** 20;
const megabyte = 2 ** 20;

/**
 * Throws `invalid_option` where a run does not fit, while the network runs or while frames are decoded. Returns the bytes that
 * are left for residuals beside all else.
 */
export function assertMemory(pipeline: Pipeline, request: MemoryRequest): number {
  const limit = request.limit ?? memoryLimit();
  const network = networkNeeds(pipeline, request);
  for (const needs of [network, decodingNeeds(pipeline, request)]) assertFits(needs, request, limit);
  return limit.bytes - sumOf(network);
}

/** While the network runs. */
function networkNeeds({ costs, network }: Pipeline, { geometry, prompts, precision }: MemoryRequest): Needs {
  if (precision === undefined) return { 'the program': programBytes };
  const hidden = costs.hiddenDims(geometry).reduce((product, size) => product * size, bytesPerNumber);
  const parameters = modulesIn(treeOf(network.blocks)).map((module) => costs.of(module, geometry).parameters);
  return {
    'the program': programBytes,
    'the hidden states of the network': hidden * prompts * hiddenStates,
    // Of integers, ONNX Runtime keeps a copy that is laid out for its kernels; other weights are mapped from their files.
    'the weights in integers': precision === 'fp32' ? 0 : parameters.reduce((sum, count) => sum + count, 0),
  };
}

/** While frames are decoded, which all stay until the file is written. */
function decodingNeeds({ costs }: Pipeline, { geometry, prompts, loops = 1 }: MemoryRequest): Needs {
  const { height, width, numFrames } = geometry;
  return {
    'the program': programBytes,
    'the pixels': 3 * height * width * numFrames * loops * prompts * bytesPerNumber,
    'the decoder': costs.decoderBytes?.(geometry) ?? 0,
  };
}

function assertFits(needs: Needs, { geometry, prompts, loops = 1 }: MemoryRequest, limit: MemoryLimit): void {
  const needed = sumOf(needs);
  if (needed <= limit.bytes) return;
  const { width, height, numFrames } = geometry;
  const many = `${prompts === 1 ? '' : `${prompts} clips of `}${numFrames * loops} frames of ${width}x${height}`;
  const list = Object.entries(needs)
    .filter(([, bytes]) => bytes > 0)
    .map(([name, bytes]) => `${name} ${amount(bytes)}`);
  throw new QuantCacheError(
    'invalid_option',
    `${many} do not fit into memory: they take ${amount(needed)} (${list.join(', ')}), and ${limit.who} ${amount(limit.bytes)}. Ask for a smaller size, fewer frames or fewer prompts at a time.`,
  );
}

/**
 * A decision whose policy keeps no more than fits, where it has such a bound, with a warning where that is less than it would
 * have kept. Throws `invalid_option` where the rest of the run does not fit.
 */
export function fitDecision(pipeline: Pipeline, decision: RunDecision, limit?: MemoryLimit): RunDecision {
  const { run } = decision;
  const { precision = 'w8a8', prompts, loops } = run; // several precisions: integers are among them
  const request = { geometry: pipeline.geometry(run), prompts: prompts.length, loops, precision, limit };
  const left = Math.floor(assertMemory(pipeline, request) / megabyte);
  const asked = run.policyOptions.cacheMemory;
  if (!('cacheMemory' in policyEntry(run.policy).options.shape) || typeof asked !== 'number' || asked <= left)
    return decision;
  const warning = `Memory leaves ${left} MB for what is kept of earlier steps, not ${asked}; what does not fit is computed.`;
  return {
    ...decision,
    run: { ...run, policyOptions: { ...run.policyOptions, cacheMemory: left } },
    warnings: [...decision.warnings, warning],
  };
}

const sumOf = (needs: Needs): number => Object.values(needs).reduce((sum, bytes) => sum + bytes, 0);

const amount = (bytes: number): string =>
  bytes < 2 ** 30 ? `${Math.ceil(bytes / megabyte)} MB` : `${(bytes / 2 ** 30).toFixed(1)} GB`;
