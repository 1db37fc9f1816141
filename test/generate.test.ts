/** The demo model from prompt to pixels, through the public API. */
import { cpSync, mkdtempSync, renameSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { framesToTensor, makeFrames } from '../src/api/video.ts';
import {
  type Clip,
  createPolicy,
  createRuntime,
  finish,
  type GenerateEvent,
  type GenerateOptions,
  type GenerateResult,
  generate,
  openModel,
  type Pipeline,
  type Runtime,
  saveVideo,
} from '../src/index.ts';
import { openCheckpoint, readWeightBytes } from '../src/weights/checkpoint.ts';
import { writeSafetensors } from '../src/weights/safetensors.ts';

const prompt = 'a large red star moves right over a blue background';
let runtime: Runtime;
let pipeline: Pipeline;

beforeAll(async () => {
  runtime = await createRuntime({ threads: 2 });
  pipeline = await openModel(runtime);
});

afterAll(async () => {
  await pipeline[Symbol.asyncDispose]();
});

function run(
  options: Partial<GenerateOptions> = {},
  onEvent?: (event: GenerateEvent) => void,
): Promise<GenerateResult> {
  return finish(
    generate(pipeline, runtime, { prompts: [prompt], policy: createPolicy('full'), numSteps: 2, ...options }),
    onEvent,
  );
}

const largestDifference = (a: Float32Array, b: Float32Array): number =>
  a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - b[i]!)), 0);

describe('generate', () => {
  test('the same seed, 42 where none is given, gives the same numbers, another seed others', async () => {
    const [first, second, other] = [await run(), await run({ seed: 42 }), await run({ seed: 43 })];
    expect(second.videos[0]!.data).toEqual(first.videos[0]!.data);
    expect(largestDifference(first.latents, other.latents)).toBeGreaterThan(0.1);
  });

  test('says what it is doing, in order', async () => {
    const events: GenerateEvent[] = [];
    await run({}, (event) => events.push(event));
    expect(events.flatMap((event) => (event.type === 'stage' ? [event.stage] : []))).toEqual([
      'text',
      'denoise',
      'decode',
    ]);
    expect(events.filter((event) => event.type === 'step')).toHaveLength(2);
    const frames = events.flatMap((event) => (event.type === 'frames' ? [event.decoded] : []));
    expect(frames.at(-1)).toBe(pipeline.defaults.numFrames);
  });

  test.each(['fp32', 'w8a8', 'w4a8'] as const)('a clip does not depend on its neighbours, %s', async (precision) => {
    const small = { precision, size: '32x32' };
    const alone = await run(small);
    const neighbours = [`${prompt} and a small white circle spins over a black background`, 'a large blue square'];
    const { videos } = await run({ ...small, prompts: [prompt, ...neighbours] });
    expect(videos).toHaveLength(3);
    expect(largestDifference(videos[0]!.data, alone.videos[0]!.data)).toBe(0);
  });

  test('nor by what is decided about them', async () => {
    const small = { size: '32x32', numSteps: 8, policy: createPolicy('quantcache') };
    const alone = await run(small);
    const both = await run({ ...small, prompts: [prompt, 'two large white stars'] });
    expect(largestDifference(both.videos[0]!.data, alone.videos[0]!.data)).toBe(0);
    const computed = ({ trace }: typeof alone) =>
      trace.decisions.flatMap(({ level, step, did }) => (level === 'step' && did === 'compute' ? [step] : []));
    expect(computed(both).slice(0, computed(alone).length)).toEqual(computed(alone));
    expect(computed(both).filter((step) => step === 0)).toHaveLength(2);
  });

  test('guidance 1 computes half the batch and no unconditional prediction', async () => {
    const unguided = await run({ guidanceScale: 1 });
    const guided = await run({ guidanceScale: 1.000001 });
    expect(largestDifference(unguided.latents, guided.latents)).toBeLessThan(1e-3);
  });

  test('an image conditions the first frame and is kept', async () => {
    const { height, width } = pipeline.defaults;
    const image: Clip = {
      data: new Float32Array(3 * height * width).fill(0.25),
      channels: 3,
      frames: 1,
      height,
      width,
    };
    const conditioned = await run({ references: [[image]] });
    const free = await run();
    const { latent } = conditioned.geometry;
    const plane = latent.height * latent.width;
    const kept = conditioned.latents.subarray(0, plane);
    expect(largestDifference(kept, free.latents.subarray(0, plane))).toBeGreaterThan(0.01);
    const again = await run({ references: [[image]], numSteps: 3 });
    // The given frame does not depend on the number of steps; the others do.
    expect(again.latents.subarray(0, plane)).toEqual(kept);
    expect(again.latents.subarray(plane, 2 * plane)).not.toEqual(conditioned.latents.subarray(plane, 2 * plane));
  });

  test('a picture that a prompt names conditions as one that is given', async () => {
    const { height, width } = pipeline.defaults;
    const file = join(mkdtempSync(join(tmpdir(), 'quantcache-')), 'shade.png');
    const shade = makeFrames(new Uint8Array(3 * height * width).fill(160), { count: 1, height, width, fps: 1 });
    await saveVideo(shade, file);
    const image: Clip = { data: framesToTensor(shade), channels: 3, frames: 1, height, width };
    const named = await run({ prompts: [`${prompt} {"reference_path": ${JSON.stringify(file)}}`] });
    expect(named.latents).toEqual((await run({ references: [[image]] })).latents);
    expect(named.latents).not.toEqual((await run()).latents);
    await expect(run({ prompts: [`${prompt} {"reference_path": "none.png"}`] })).rejects.toMatchObject({
      code: 'model_not_found',
    });
  });

  test('loops continue a clip and overlap by one chunk', async () => {
    const looped = await run({ frames: 34, loops: 2, numSteps: 1 });
    expect(looped.videos[0]!.frames).toBe(34 + 17);
    await expect(run({ loops: 2 })).rejects.toMatchObject({ code: 'invalid_option' });
  });

  test('sizes and lengths other than the default, and images', async () => {
    const wide = await run({ size: '32x48', frames: 17, numSteps: 1 });
    expect([wide.videos[0]!.height, wide.videos[0]!.width]).toEqual([32, 48]);
    const image = await run({ frames: 1, numSteps: 1 });
    expect(image.videos[0]!.frames).toBe(1);
  });

  test.each([
    ['no prompt', { prompts: [] }],
    ['zero steps', { numSteps: 0 }],
    ['a length that the model does not know', { frames: 8 }],
    ['a size that is too small', { size: '4x64' }],
    ['an unknown resolution', { resolution: '1p' }],
    ['a seed that is no number', { seed: 'abc' }],
    ['a guidance that is no number', { guidanceScale: Number.NaN }],
    ['zero loops', { loops: 0 }],
  ] as [string, Partial<GenerateOptions>][])('refuses %s', async (_, options) => {
    await expect(run(options)).rejects.toMatchObject({ code: 'invalid_option' });
  });

  test('stops at the next module when asked to, and can run again', async () => {
    const controller = new AbortController();
    const aborted = run(
      { numSteps: 30, signal: controller.signal },
      (event) => event.type === 'step' && controller.abort(),
    );
    await expect(aborted).rejects.toMatchObject({ code: 'aborted' });
    await expect(run({ numSteps: 1 })).resolves.toBeDefined();
  });

  test('names the tensors of a checkpoint that it does not use', async () => {
    const folder = join(mkdtempSync(join(tmpdir(), 'quantcache-')), 'model');
    cpSync('models/demo', folder, { recursive: true });
    const encoder = join(folder, 't5');
    const own = await openCheckpoint(encoder);
    const tensors = own.names().map((name) => ({ ...own.get(name), data: () => readWeightBytes(own.get(name)) }));
    const extra = { name: 'surplus.weight', dtype: 'F32' as const, shape: [1], data: Float32Array.of(1) };
    await writeSafetensors(join(encoder, 'other.safetensors'), [...tensors, extra]);
    renameSync(join(encoder, 'other.safetensors'), join(encoder, 'model.safetensors'));
    await using other = await openModel(runtime, { model: folder });
    expect(other.warnings.join()).toMatch(/text encoder.*surplus\.weight/);
    expect(pipeline.warnings).toEqual([]);
  });

  test('warns of words that the model does not know', async () => {
    const messages: string[] = [];
    await run(
      { prompts: ['a red walrus'], numSteps: 1 },
      (event) => event.type === 'warning' && messages.push(event.message),
    );
    expect(messages.join()).toContain('walrus');
  });
});
