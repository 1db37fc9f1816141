/**
 * What each precision makes of each kind of module: whole module graphs with random weights, everything included
 * (norm, modulation, quantize, dequantize, bias, gate, residual), interleaved so that a busy machine is busy for all.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { QuantCacheError } from '../errors.ts';
import type { Node, Precision } from '../model.ts';
import { parseStdit3Config, type Stdit3Config } from '../models/opensora/stdit3/config.ts';
import { attentionScores } from '../models/opensora/stdit3/cost.ts';
import { blockPath, blocksOf, captionInput, linearLayers, moduleGraph } from '../models/opensora/stdit3/modules.ts';
import { piecesFor } from '../models/opensora/stdit3/pieces.ts';
import { stdit3Shapes } from '../models/opensora/stdit3/weights.ts';
import { createQuantizer, type QuantizationOptions } from '../quantization/quantizer.ts';
import { simulation } from '../quantization/recipe.ts';
import { createRuntime } from '../runtime/node.ts';
import type { Runtime, Session, Tensor } from '../runtime/runtime.ts';
import { torchGenerator } from '../samplers/random.ts';
import { openCache } from '../weights/cache.ts';
import { openCheckpoint } from '../weights/checkpoint.ts';
import { writeSafetensors } from '../weights/safetensors.ts';
import { describeMachine, type Machine, median } from './machine.ts';

export interface KernelBenchOptions {
  readonly hiddenSize?: number;
  readonly numHeads?: number;
  /** `[batch, frames, tokens]`; 2048 rows by default. */
  readonly shape?: readonly [number, number, number];
  readonly captionLength?: number;
  readonly precisions?: readonly Precision[];
  readonly kinds?: readonly string[];
  readonly threads?: number;
  readonly rounds?: number;
  readonly recipes?: QuantizationOptions['recipes'];
  /** Compile integer graphs with prepacked weights, as the engine does. */
  readonly prepack?: boolean;
}

export interface KernelMeasurement {
  readonly kind: string;
  readonly precision: Precision;
  /** What the precision only simulates here. */
  readonly simulated?: string;
  /** Milliseconds. */
  readonly median: number;
  readonly least: number;
  /** Milliseconds between the first and the third quartile. */
  readonly spread: number;
  /** Processor time of all threads together, the least seen: tells more than the clock on a busy machine. */
  readonly processor: number;
  /** Against float32 in the same run: by medians, by the least times, by processor time. */
  readonly speedup: number;
  readonly speedupLeast: number;
  readonly speedupProcessor: number;
  /** |y - y32| / |y32| of what the module adds to the hidden state. */
  readonly error: number;
}

export interface KernelBenchResult {
  readonly machine: Machine;
  readonly options: Required<Omit<KernelBenchOptions, 'recipes'>>;
  readonly modules: readonly KernelMeasurement[];
}

const defaults = {
  hiddenSize: 1152,
  numHeads: 16,
  shape: [1, 8, 256],
  captionLength: 120,
  precisions: ['fp32', 'w8a8', 'w4a8', 'w4a6'],
  kinds: ['spatial-attention', 'temporal-attention', 'cross-attention', 'feed-forward'],
  threads: 2,
  rounds: 10,
  prepack: true,
} as const satisfies KernelBenchOptions;

/** Measures one module of each kind at each precision. Throws `invalid_option` for a width that cannot be cut into heads. */
export async function benchKernels(given: KernelBenchOptions = {}): Promise<KernelBenchResult> {
  const options = { ...defaults, ...given };
  const { hiddenSize, numHeads } = options;
  // Positions turn pairs of channels of a head; the network's position embedding has four parts.
  if (hiddenSize % 4 !== 0 || hiddenSize % (2 * numHeads) !== 0)
    throw new QuantCacheError(
      'invalid_option',
      `A width of ${hiddenSize} with ${numHeads} heads is not possible; use a multiple of 4 that gives every head an even number of channels, such as ${72 * numHeads}.`,
    );
  const runtime = await createRuntime({ threads: options.threads });
  const folder = await mkdtemp(join(tmpdir(), 'quantcache-kernels-'));
  try {
    const config = parseStdit3Config({
      hidden_size: options.hiddenSize,
      num_heads: options.numHeads,
      depth: 1,
      caption_channels: 32,
    });
    const weights = await randomBlocks(join(folder, 'model.safetensors'), config);
    const numerics = createQuantizer(weights, linearLayers(config), runtime, {
      cache: openCache(folder),
      recipes: options.recipes,
    });
    const modules: KernelMeasurement[] = [];
    for (const kind of options.kinds) {
      const node = blocksOf(config)
        .flatMap(({ children }) => children!)
        .find((module) => module.kind === kind)!;
      const feeds = feedsFor(runtime, config, node, options);
      const sessions = new Map<Precision, Session>();
      for (const precision of options.precisions) {
        const form = { precision, ...formFor(runtime, config, node, options) };
        const graph = moduleGraph(node, await numerics.prepare(precision), config, form);
        sessions.set(precision, await runtime.compile(graph, { prepack: options.prepack && precision !== 'fp32' }));
      }
      modules.push(...(await compare(runtime, kind, sessions, feeds, options.rounds)));
      for (const session of sessions.values()) await session.release();
    }
    const { recipes: _, ...settings } = options;
    return { machine: describeMachine(runtime), options: settings, modules };
  } finally {
    await runtime[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  }
}

/** The two blocks of a network of depth one, with normally distributed weights. */
async function randomBlocks(file: string, config: Stdit3Config) {
  const { randn } = torchGenerator(1);
  const tensors = [...stdit3Shapes(config)]
    .filter(([name]) => /_blocks\./.test(name))
    .map(([name, shape]) => {
      const size = shape.reduce((product, n) => product * n, 1);
      const scale = shape.length > 1 ? 1 / Math.sqrt(size / shape[0]!) : 0.1;
      const center = name.includes('norm') ? 1 : 0;
      const data = () => randn(size).map((value) => center + value * scale);
      return { name, shape: [...shape], dtype: 'F32' as const, data };
    });
  await writeSafetensors(file, tensors);
  return openCheckpoint(file);
}

function formFor(
  runtime: Runtime,
  config: Stdit3Config,
  node: Node,
  { shape, captionLength: captionTokens }: { shape: readonly [number, number, number]; captionLength: number },
) {
  const dims = [...shape, config.hiddenSize] as const;
  const parts = piecesFor(runtime.backend, node.kind, dims);
  const scores = attentionScores(config, node, { dims, pieces: parts.pieces, captionTokens });
  const outputs = ['hidden', 'residual'] as const;
  return { outputs, kernel: runtime.attentionKernel(scores), padded: false, ...parts };
}

function feedsFor(
  runtime: Runtime,
  config: Stdit3Config,
  node: Node,
  { shape, captionLength }: { shape: readonly [number, number, number]; captionLength: number },
): Record<string, Tensor> {
  const { randn } = torchGenerator(2);
  const random = (...dims: number[]) => runtime.tensor(randn(dims.reduce((size, n) => size * n, 1)), dims);
  const { kind } = node;
  const [batch, frames] = shape;
  const feeds: Record<string, Tensor> = { x: random(...shape, config.hiddenSize) };
  if (kind === 'cross-attention') {
    for (const name of ['keys', 'values'])
      feeds[captionInput(blockPath(node), name)] = random(batch, captionLength, config.hiddenSize);
  } else feeds.modulation = random(batch, 1, 6 * config.hiddenSize);
  if (kind === 'temporal-attention')
    for (const name of ['cos', 'sin']) feeds[name] = random(frames, config.headSize / 2);
  return feeds;
}

async function compare(
  runtime: Runtime,
  kind: string,
  sessions: ReadonlyMap<Precision, Session>,
  feeds: Record<string, Tensor>,
  rounds: number,
): Promise<KernelMeasurement[]> {
  const times = new Map<Precision, { wall: number[]; processor: number[]; residual: Float32Array }>();
  for (const [precision, session] of sessions) {
    const { residual } = await session.run(feeds); // also warms up
    times.set(precision, { wall: [], processor: [], residual: (await runtime.read(residual!)).slice() });
  }
  for (let round = 0; round < rounds; round++) {
    for (const [precision, session] of sessions) {
      const before = process.cpuUsage();
      const started = performance.now();
      const outputs = await session.run(feeds);
      const { user, system } = process.cpuUsage(before);
      times.get(precision)!.wall.push(performance.now() - started);
      times.get(precision)!.processor.push((user + system) / 1000);
      for (const tensor of Object.values(outputs)) tensor.dispose();
    }
  }
  const reference = times.get('fp32') ?? [...times.values()][0]!;
  return [...times].map(([precision, { wall, processor, residual }]) => ({
    kind,
    precision,
    simulated: simulation(precision, runtime.backend),
    median: median(wall),
    least: Math.min(...wall),
    spread: quartileRange(wall),
    processor: Math.min(...processor),
    speedup: median(reference.wall) / median(wall),
    speedupLeast: Math.min(...reference.wall) / Math.min(...wall),
    speedupProcessor: Math.min(...reference.processor) / Math.min(...processor),
    error: relativeError(residual, reference.residual),
  }));
}

function quartileRange(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length * 0.75)]! - sorted[Math.floor(sorted.length * 0.25)]!;
}

function relativeError(actual: Float32Array, expected: Float32Array): number {
  let error = 0;
  let size = 0;
  for (let i = 0; i < expected.length; i++) {
    error += (actual[i]! - expected[i]!) ** 2;
    size += expected[i]! ** 2;
  }
  return Math.sqrt(error / size);
}
