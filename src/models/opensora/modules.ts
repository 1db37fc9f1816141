/** Single modules of STDiT3 with random weights, for measuring what each precision makes of them. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { QuantCacheError } from '../../errors.ts';
import type { Node } from '../../model.ts';
import { createQuantizer } from '../../quantization/quantizer.ts';
import type { Runtime, Tensor } from '../../runtime/runtime.ts';
import { torchGenerator } from '../../samplers/random.ts';
import { openCache } from '../../weights/cache.ts';
import { openCheckpoint } from '../../weights/checkpoint.ts';
import { writeSafetensors } from '../../weights/safetensors.ts';
import type { ModuleSizes, RandomModules } from '../family.ts';
import { parseStdit3Config, type Stdit3Config } from './stdit3/config.ts';
import { attentionScores } from './stdit3/cost.ts';
import { blockPath, blocksOf, captionInput, linearLayers, moduleGraph } from './stdit3/modules.ts';
import { piecesFor } from './stdit3/pieces.ts';
import { stdit3Shapes } from './stdit3/weights.ts';

/**
 * One module of each kind, its weights in a folder of its own that goes with it. Throws `invalid_option` for a
 * width that cannot be cut into heads.
 */
export async function openRandomModules(runtime: Runtime, sizes: ModuleSizes): Promise<RandomModules> {
  const { hiddenSize, numHeads } = sizes;
  // Positions turn pairs of channels of a head; the network's position embedding has four parts.
  if (hiddenSize % 4 !== 0 || hiddenSize % (2 * numHeads) !== 0)
    throw new QuantCacheError(
      'invalid_option',
      `A width of ${hiddenSize} with ${numHeads} heads is not possible; use a multiple of 4 that gives every head an even number of channels, such as ${72 * numHeads}.`,
    );
  const config = parseStdit3Config({
    hidden_size: hiddenSize,
    num_heads: numHeads,
    depth: 1,
    caption_channels: 32,
  });
  const folder = await mkdtemp(join(tmpdir(), 'quantcache-kernels-'));
  const weights = await randomBlocks(join(folder, 'model.safetensors'), config);
  const quantizer = createQuantizer(weights, linearLayers(config), runtime, {
    cache: openCache(folder),
    recipes: sizes.recipes,
  });
  const all = blocksOf(config).flatMap(({ children }) => children!);
  return {
    modules: all.filter(({ kind }, i) => all.findIndex((module) => module.kind === kind) === i),
    async compile(module, precision) {
      const numerics = await quantizer.prepare(precision);
      const form = { precision, ...formFor(runtime, config, module, sizes) };
      return runtime.compile(moduleGraph(module, numerics, config, form), { prepack: numerics.integer });
    },
    feeds: (module) => feedsFor(runtime, config, module, sizes),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
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
  { shape, captionLength: captionTokens }: ModuleSizes,
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
  { shape, captionLength }: ModuleSizes,
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
