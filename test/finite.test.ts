/** Models with one weight that is no number: every run of them ends in `not_finite`, in every precision and through the library. */
import { cpSync, mkdirSync, openSync, symlinkSync, writeSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  createPolicy,
  createRuntime,
  finish,
  generate,
  openModel,
  type Precision,
  type Runtime,
} from '../src/index.ts';
import { openCache } from '../src/weights/cache.ts';
import { openCheckpoint } from '../src/weights/checkpoint.ts';
import { temporaryFolder } from './layers.ts';

const demo = resolve('models/demo');
const folder = temporaryFolder();
let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ threads: 2 });
});
afterAll(() => runtime[Symbol.asyncDispose]());

const patterns = { F16: { nan: 0x7e00, infinity: 0x7c00 }, F32: { nan: 0x7fc00000, infinity: 0x7f800000 } };
let models = 0;

/** The demo model with the first value of one tensor replaced. */
async function broken(part: 'stdit3' | 't5' | 'vae', name: string, value: 'nan' | 'infinity'): Promise<string> {
  const model = join(folder, `model-${models++}`);
  mkdirSync(model);
  cpSync(join(demo, 'quantcache.json'), join(model, 'quantcache.json'));
  for (const other of ['stdit3', 't5', 'vae']) if (other !== part) symlinkSync(join(demo, other), join(model, other));
  cpSync(join(demo, part), join(model, part), { recursive: true });
  const { file, offset, dtype } = (await openCheckpoint(join(model, part))).get(name);
  const bytes = Buffer.alloc(dtype === 'F16' ? 2 : 4);
  bytes.writeUIntLE(patterns[dtype as keyof typeof patterns][value], 0, bytes.length);
  writeSync(openSync(file, 'r+'), bytes, 0, bytes.length, offset);
  return model;
}

async function run(model: string, precision: Precision): Promise<unknown> {
  const pipeline = await openModel(runtime, { model, quantization: { cache: openCache(join(folder, 'home')) } });
  try {
    const size = { size: '32x32', frames: 1, numSteps: 2 };
    return await finish(
      generate(pipeline, runtime, { prompts: ['a red star'], policy: createPolicy('full'), precision, ...size }),
    );
  } finally {
    await pipeline[Symbol.asyncDispose]();
  }
}

test.each([
  ['spatial_blocks.0.mlp.fc1.weight', 'nan'],
  ['temporal_blocks.2.attn.qkv.weight', 'infinity'],
  ['spatial_blocks.1.cross_attn.kv_linear.weight', 'nan'], // never packed, but integers would come after it
] as const)('%s: %s', async (name, value) => {
  const model = await broken('stdit3', name, value);
  for (const precision of ['w8a8', 'w4a8', 'w4a6'] as const) {
    const message = expect.stringMatching(new RegExp(`${name.replaceAll('.', '\\.')} in .*stdit3.*1 of \\d+ numbers`));
    await expect(run(model, precision), precision).rejects.toMatchObject({ code: 'not_finite', message });
  }
  const message = expect.stringMatching(/after step 1, asked for in fp32(?!.*--precision)/);
  await expect(run(model, 'fp32')).rejects.toMatchObject({ code: 'not_finite', message });
});

test.each([
  ['t5', 'encoder.block.0.layer.0.SelfAttention.q.weight', /text encoder/],
  ['vae', 'spatial_vae.module.decoder.conv_in.weight', /decoder/],
] as const)('a stage ends where its numbers do: %s', async (part, name, message) => {
  const model = await broken(part, name, 'nan');
  await expect(run(model, 'fp32')).rejects.toMatchObject({
    code: 'not_finite',
    message: expect.stringMatching(message),
  });
});
