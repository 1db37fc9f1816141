/** Modules in pieces against modules as a whole: the same numbers for every kind, precision and conditioning. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { expectSame, randomTensors, temporaryFolder } from '../../../../test/layers.ts';
import type { Precision } from '../../../model.ts';
import { createQuantizer, type Quantizer } from '../../../quantization/quantizer.ts';
import { createRuntime } from '../../../runtime/node.ts';
import type { Runtime, Tensor } from '../../../runtime/runtime.ts';
import { openCache } from '../../../weights/cache.ts';
import { blocksOf, captionInput, linearLayers, type ModuleForm, moduleGraph } from './modules.ts';
import { type Pieces, piecesFor, whole } from './pieces.ts';
import { tinyConfig as config, tinyWeights } from './testing.ts';

const [batch, frames, tokens, captionLength] = [2, 3, 8, 5];
const folder = temporaryFolder();
let runtime: Runtime;
let quantizer: Quantizer;
beforeAll(async () => {
  runtime = await createRuntime({ threads: 1 });
  const layers = linearLayers(config);
  quantizer = createQuantizer(await tinyWeights(folder), layers, runtime, { cache: openCache(join(folder, 'home')) });
});
afterAll(() => runtime[Symbol.asyncDispose]());

/** What a module gives for numbers that depend on nothing but the shapes, `modulated` by one row or more. */
async function run(kind: string, precision: Precision, parts: Pieces, modulated: readonly number[] = [batch, 1]) {
  const block = kind === 'temporal-attention' ? 'temporal_blocks.0' : 'spatial_blocks.0';
  const node = blocksOf(config)
    .find(({ path }) => path === block)!
    .children!.find((module) => module.kind === kind)!;
  const random = randomTensors(7);
  const feeds: Record<string, Tensor> = {};
  const feed = (name: string, ...shape: number[]) => {
    feeds[name] = runtime.tensor(random(shape).data, shape);
  };
  const width = config.hiddenSize;
  feed('x', batch, frames, tokens, width);
  const crossing = kind === 'cross-attention';
  if (crossing) {
    for (const name of ['keys', 'values']) feed(captionInput(block, name), batch, captionLength, width);
    const used = Float32Array.from({ length: batch * captionLength }, (_, i) => (i === captionLength - 1 ? 0 : 1));
    feeds.used = runtime.tensor(used, [batch, captionLength]);
  } else feed('modulation', ...modulated, 6 * width);
  if (kind === 'temporal-attention') for (const name of ['cos', 'sin']) feed(name, frames, config.headSize / 2);
  const outputs = ['hidden', 'residual'] as const;
  const form: ModuleForm = { precision, outputs, kernel: 'standard', padded: crossing, ...parts };
  const session = await runtime.compile(moduleGraph(node, await quantizer.prepare(precision), config, form));
  try {
    const { hidden, residual } = await session.run(feeds);
    const numbers = async (tensor: Tensor) => ({ shape: tensor.dims, data: (await runtime.read(tensor)).slice() });
    return { hidden: await numbers(hidden!), residual: await numbers(residual!) };
  } finally {
    await session.dispose();
  }
}

const kinds: [string, Pieces][] = [
  ['spatial-attention', { pieces: frames, slices: 1 }],
  ['temporal-attention', { pieces: 4, slices: 1 }],
  ['cross-attention', { pieces: frames, slices: 1 }],
  ['feed-forward', { pieces: frames, slices: 1 }],
  ['feed-forward', { pieces: frames, slices: 2 }],
  ['spatial-attention', { pieces: frames, slices: 4 }],
  ['temporal-attention', { pieces: tokens, slices: 1 }],
];

describe.each(['fp32', 'w8a8', 'w4a8'] as const)('%s', (precision) => {
  it.each(kinds)('%s in $pieces pieces is the whole', async (kind, parts) => {
    const expected = await run(kind, precision, whole);
    const actual = await run(kind, precision, parts);
    expectSame(actual.hidden, expected.hidden);
    expectSame(actual.residual, expected.residual);
    expect(actual.residual.data.some((value) => Math.abs(value) > 0.01)).toBe(true);
  });
});

describe.each([
  ['each frame', [batch, frames]],
  ['all samples', [1, 1]],
  ['each frame of all samples', [1, frames]],
])('a modulation for %s', (_, modulated) => {
  const own = kinds.filter(([kind]) => kind !== 'cross-attention');
  it.each(own)('%s in $pieces pieces is the whole', async (kind, parts) => {
    const expected = await run(kind, 'fp32', whole, modulated);
    expectSame((await run(kind, 'fp32', parts, modulated)).hidden, expected.hidden);
  });
});

describe('the size of pieces', () => {
  const large = 1152;
  test('frames of the published sizes are pieces, and places of all frames are', () => {
    expect(piecesFor('cpu', 'spatial-attention', [2, 15, 144, large])).toEqual({ pieces: 15, slices: 1 });
    expect(piecesFor('cpu', 'feed-forward', [1, 15, 405, large])).toEqual({ pieces: 15, slices: 3 });
    expect(piecesFor('cpu', 'temporal-attention', [2, 15, 144, large])).toEqual({ pieces: 9, slices: 1 });
    expect(piecesFor('cpu', 'temporal-attention', [1, 30, 3600, large])).toEqual({ pieces: 450, slices: 1 });
  });

  test('what is small or cannot be divided stays whole', () => {
    for (const kind of ['spatial-attention', 'temporal-attention', 'cross-attention', 'feed-forward'] as const)
      expect(piecesFor('cpu', kind, [2, 5, 64, 256])).toEqual(whole);
    expect(piecesFor('cpu', 'temporal-attention', [1, 1, 1021, large])).toEqual(whole);
    expect(piecesFor('cpu', 'cross-attention', [1, 16, 64, large])).toEqual({ pieces: 1, slices: 4 });
  });

  test('GPUs compute the whole', () => {
    expect(piecesFor('webgpu', 'spatial-attention', [2, 15, 144, large])).toEqual(whole);
  });
});
