/** Captions of one batch: a sample sees its own, whatever the others say and however long they are. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { temporaryFolder } from '../../../../test/layers.ts';
import { modulesIn, type TextConditioning, treeOf } from '../../../model.ts';
import { createRuntime } from '../../../runtime/node.ts';
import type { AttentionKernel, Runtime, Tensor } from '../../../runtime/runtime.ts';
import { torchGenerator } from '../../../samplers/random.ts';
import { loadStdit3 } from './network.ts';
import { tinyConfig, tinyGeometry, tinyWeights } from './testing.ts';

const folder = temporaryFolder();
let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ threads: 1 });
});
afterAll(() => runtime[Symbol.asyncDispose]());

const longest = 120;
const config = { ...tinyConfig, maxCaptionLength: longest };
const { latent } = tinyGeometry;
const size = latent.channels * latent.frames * latent.height * latent.width;
const random = (seed: number, count: number) => torchGenerator(seed).randn(count);

/** Captions of these lengths, each the same wherever it is. */
function captions(lengths: readonly number[]): TextConditioning {
  const width = config.captionChannels;
  const rows = Math.max(...lengths);
  const states = new Float32Array(lengths.length * rows * width);
  for (const [i, length] of lengths.entries()) states.set(random(length, length * width), i * rows * width);
  const mask = lengths.map((length) => Array.from({ length: rows }, (_, i) => (i < length ? 1 : 0)));
  const unconditional = { states: random(1, longest * width), dims: [1, longest, width] as const };
  return { conditional: { states, dims: [lengths.length, rows, width], mask }, unconditional };
}

test.each<AttentionKernel>(['standard', 'flash'])(
  'a sample has the same numbers as alone, however long the captions beside it are, %s',
  async (kernel) => {
    const ofKernel: Runtime = { ...runtime, attentionKernel: () => kernel };
    const network = loadStdit3(ofKernel, await tinyWeights(folder), config);
    const firstOf = async (lengths: readonly number[]) => {
      const denoiser = await network.begin({ text: captions(lengths), geometry: tinyGeometry });
      const dims = [lengths.length, latent.channels, latent.frames, latent.height, latent.width];
      const latents = lengths.flatMap((length) => [...random(length + 1000, size)]);
      const step = await denoiser.evaluate(runtime.tensor(Float32Array.from(latents), dims), 500);
      let hidden: Tensor = step.hidden;
      for (const module of modulesIn(treeOf(network.blocks)))
        ({ hidden } = await step.run(module, hidden, { precision: 'fp32', residual: false }));
      const output = await runtime.read(await step.finish(hidden));
      const perSample = output.length / (2 * lengths.length);
      const half = lengths.length * perSample;
      return [...output.slice(0, perSample), ...output.slice(half, half + perSample)];
    };
    const alone = await firstOf([33]);
    for (const others of [[5], [40], [longest, 17]]) expect(await firstOf([33, ...others])).toEqual(alone);
    expect(await firstOf([34])).not.toEqual(alone);
    await network.dispose();
  },
);
