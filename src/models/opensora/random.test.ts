/** A model of random weights is one that can be opened and makes clips, with a text encoder as it is published. */
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createPolicy, createRuntime, finish, generate, openModel } from '../../index.ts';
import { readHeader } from '../../weights/safetensors.ts';
import { writeRandomModel } from './random.ts';

const config = (part: string) => JSON.parse(readFileSync(`test/fixtures/pipeline/${part}/config.json`, 'utf8'));

test('a small one', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'quantcache-random-'));
  const textEncoder = { d_model: 12, d_kv: 4, d_ff: 20, num_heads: 2, vocab_size: 49 };
  await writeRandomModel(folder, { transformer: config('stdit3'), vae: config('vae'), textEncoder, textLayers: 3 });
  const { tensors } = await readHeader(join(folder, 't5', 'model.safetensors'));
  const blocks = [...tensors.keys()].filter((name) => name.endsWith('wo.weight'));
  expect(blocks.map((name) => name.split('.')[2])).toEqual(['0', '1', '2']);
  expect(new Set([...tensors.values()].map(({ dtype }) => dtype))).toEqual(new Set(['BF16']));

  await using runtime = await createRuntime({ threads: 1 });
  await using pipeline = await openModel(runtime, { model: folder });
  const options = { prompts: ['a red star'], size: '32x32', frames: 17, numSteps: 1, policy: createPolicy('full') };
  const { videos } = await finish(generate(pipeline, runtime, options));
  expect(videos[0]!.frames).toBe(17);
});
