/** A tiny STDiT3 with random weights, for tests of whatever runs on a network but does not care which. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Geometry } from '../../../model.ts';
import type { Runtime } from '../../../runtime/runtime.ts';
import { torchGenerator } from '../../../samplers/random.ts';
import { type Checkpoint, openCheckpoint } from '../../../weights/checkpoint.ts';
import { writeSafetensors } from '../../../weights/safetensors.ts';
import { parseStdit3Config } from './config.ts';
import { loadStdit3, type Stdit3, type Stdit3Options } from './network.ts';
import { stdit3Shapes } from './weights.ts';

const captionChannels = 32;
const captionLength = 12;

/** The sizes of the tiny network: two pairs of blocks. */
export const tinyConfig = parseStdit3Config({
  hidden_size: 48,
  depth: 2,
  num_heads: 4,
  caption_channels: captionChannels,
  model_max_length: captionLength,
});

/** A clip small enough to be sampled in well under a second. */
export const tinyGeometry: Geometry = {
  height: 64,
  width: 96,
  numFrames: 17,
  fps: 24,
  latent: { channels: tinyConfig.inChannels, frames: 5, height: 4, width: 6 },
};

/** A network in a folder of its own; `close` removes both. */
export async function tinyStdit3(
  runtime: Runtime,
  seed = 1,
  options: Stdit3Options = {},
): Promise<Stdit3 & { close(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'quantcache-tiny-'));
  const network = loadStdit3(runtime, await tinyWeights(folder, seed), tinyConfig, options);
  return {
    ...network,
    async close() {
      await network.dispose();
      await rm(folder, { recursive: true });
    },
  };
}

/** The weights of such a network, written into a folder. */
export async function tinyWeights(folder: string, seed = 1): Promise<Checkpoint> {
  const { randn } = torchGenerator(seed);
  const tensors = [...stdit3Shapes(tinyConfig)]
    .filter(([name]) => name !== 'rope.freqs')
    .map(([name, shape]) => ({
      name,
      shape: [...shape],
      dtype: 'F32' as const,
      data: randomWeight(name, shape, randn),
    }));
  const file = join(folder, 'model.safetensors');
  await writeSafetensors(file, tensors);
  return openCheckpoint(file);
}

/** Matrices keep the size of what they multiply, so that no layer drowns another; norms are near one. */
function randomWeight(name: string, shape: readonly number[], randn: (count: number) => Float32Array): Float32Array {
  const size = shape.reduce((product, n) => product * n, 1);
  const values = randn(size);
  if (name.includes('norm')) return values.map((value) => 1 + 0.1 * value);
  const inputs = shape.length > 1 && name.endsWith('weight') ? size / shape[0]! : 25;
  return values.map((value) => value / Math.sqrt(inputs));
}

/** Text states of one prompt for the tiny network. */
export function tinyText(seed = 2) {
  const states = torchGenerator(seed).randn(captionLength * captionChannels);
  return { states, dims: [1, captionLength, captionChannels] as const };
}
