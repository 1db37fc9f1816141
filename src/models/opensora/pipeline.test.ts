/**
 * The whole pipeline against PyTorch: a small model of seeded random weights, two guided steps, the defaults of its folder.
 * `training/golden_pipeline.py` wrote the model and what is expected of it.
 */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectSame } from '../../../test/layers.ts';
import {
  type Clip,
  createPolicy,
  createRuntime,
  finish,
  type GenerateOptions,
  type GenerateResult,
  generate,
  openModel,
  type Pipeline,
  type Runtime,
} from '../../index.ts';
import { modulesIn, treeOf } from '../../model.ts';
import { type Checkpoint, openCheckpoint, readFloat32 } from '../../weights/checkpoint.ts';

const folder = 'test/fixtures/pipeline';
const { requests, costs } = JSON.parse(readFileSync(`${folder}/expected.json`, 'utf8')) as {
  requests: Record<'video' | 'still' | 'given', { prompts: string[]; frames: number }>;
  costs: Record<string, { flops: number; parameters: number }>;
};
let runtime: Runtime;
let pipeline: Pipeline;
let tensors: Checkpoint;

beforeAll(async () => {
  runtime = await createRuntime({ threads: 1 });
  pipeline = await openModel(runtime, { model: folder });
  tensors = await openCheckpoint(`${folder}/expected.safetensors`);
});

afterAll(async () => {
  await pipeline[Symbol.asyncDispose]();
  await runtime[Symbol.asyncDispose]();
});

const run = (options: Partial<GenerateOptions>): Promise<GenerateResult> =>
  finish(generate(pipeline, runtime, { prompts: [], policy: createPolicy('full'), ...options }));

async function expected(name: string) {
  const tensor = tensors.get(name);
  return { data: await readFloat32(tensor), shape: tensor.shape };
}

/** Compares latents with those on file, one after the other, so that each prompt's own are to be right. */
async function expectLatents(name: string, { latents, geometry }: GenerateResult): Promise<void> {
  const { data, shape } = await expected(name);
  const { channels, frames, height, width } = geometry.latent;
  expect([latents.length / (channels * frames * height * width), channels, frames, height, width]).toEqual(shape);
  const each = latents.length / shape[0]!;
  for (let prompt = 0; prompt < shape[0]!; prompt++) {
    const part = (values: Float32Array) => ({
      data: values.subarray(prompt * each, (prompt + 1) * each),
      shape: shape.slice(1),
    });
    expectSame(part(latents), part(data), 2e-5);
  }
}

describe('latents are those of PyTorch', () => {
  test('17 frames of two prompts of different length', async () => {
    const { prompts } = requests.video;
    const result = await run({ prompts });
    await expectLatents('video.latents', result);
    const { data, shape } = await expected('video.last');
    const plane = result.geometry.height * result.geometry.width;
    const last = result.videos.flatMap((video) =>
      [0, 1, 2].map((channel) => video.data.subarray((channel * 17 + 16) * plane, (channel * 17 + 17) * plane)),
    );
    expectSame({ data: Float32Array.from(last.flatMap((values) => [...values])), shape }, { data, shape }, 2e-5);
  });

  test('a still image', async () => {
    const result = await run(requests.still);
    await expectLatents('still.latents', result);
    const { data, shape } = await expected('still.pixels');
    expectSame({ data: result.videos[0]!.data, shape }, { data, shape }, 2e-5);
  });

  test('a clip whose first frame is given', async () => {
    const { data, shape } = await expected('image');
    const [channels, height, width] = shape as [number, number, number];
    const image: Clip = { data, channels, frames: 1, height, width };
    await expectLatents('given.latents', await run({ prompts: requests.given.prompts, references: [[image]] }));
  });
});

test('modules cost what PyTorch counts', () => {
  const geometry = pipeline.geometry({});
  const modules = modulesIn(treeOf(pipeline.network.blocks));
  const found = Object.fromEntries(
    modules.map((module) => {
      const { flops, parameters, bytes } = pipeline.costs.of(module, geometry);
      expect(bytes).toBe(parameters * Float32Array.BYTES_PER_ELEMENT);
      return [module.path, { flops, parameters }];
    }),
  );
  expect(found).toEqual(costs);
});

test('a hidden state is as large as costs are told', async () => {
  const geometry = pipeline.geometry({});
  const { channels, frames, height, width } = geometry.latent;
  const text = await pipeline.text.encode({ texts: ['a red star'], guided: true });
  const denoiser = await pipeline.network.begin({ text, geometry });
  const dims = [1, channels, frames, height, width];
  const latents = runtime.tensor(new Float32Array(channels * frames * height * width), dims);
  const evaluation = await denoiser.evaluate(latents, 500);
  expect(pipeline.costs.hiddenDims(geometry)).toEqual(evaluation.hidden.dims);
  evaluation.dispose();
  denoiser.dispose();
});
