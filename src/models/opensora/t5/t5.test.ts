/** The text encoder: every tensor of the golden cases, and what the golden cases do not show. */
import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { kernels, largestError, temporaryFolder, writeCheckpoint } from '../../../../test/layers.ts';
import { createRuntime } from '../../../runtime/node.ts';
import type { Runtime } from '../../../runtime/runtime.ts';
import { configured, openCases, type ReferenceCase } from '../../../verification/case.ts';
import { verifyKinds } from '../../../verification/testing.ts';
import { readFloat32, type Weights, weightsOf } from '../../../weights/checkpoint.ts';
import { float32ToBfloat16, float32ToFloat16 } from '../../../weights/half.ts';
import type { TensorSource } from '../../../weights/safetensors.ts';
import { rowsOf } from '../verify/stdit3.ts';
import { verifyTextEncoder } from '../verify/t5.ts';
import { bucketOf } from './buckets.ts';
import { parseT5Config } from './config.ts';
import { loadTextEncoder, type TokenBatch } from './index.ts';
import { t5Shapes } from './weights.ts';

const golden = 'test/fixtures/golden';
const folder = temporaryFolder();
let runtime: Runtime;
let reference: ReferenceCase;
let tokens: TokenBatch;
let expected: Float32Array;
beforeAll(async () => {
  runtime = await createRuntime({ threads: 1 });
  reference = (await openCases(golden)).find(({ kind }) => kind === 't5_encoder')!;
  tokens = {
    ids: rowsOf(await reference.read('inputs/input_ids')),
    mask: rowsOf(await reference.read('inputs/attention_mask')),
  };
  expected = (await reference.read('outputs/last_hidden_state')).data;
});

const config = () => parseT5Config(reference.parse(configured).config);

test.each(kernels)('agrees with the original in every tensor, attention kernel %s', async (kernel) => {
  const withKernel: Runtime = { ...runtime, attentionKernel: () => kernel };
  const results = await verifyKinds(withKernel, golden, { t5_encoder: verifyTextEncoder });
  expect(results.map(({ tensor }) => tensor).sort()).toEqual([
    'inter/hidden_after_block0',
    'inter/hidden_after_block1',
    'inter/relative_bucket_row0',
    'inter/relative_bucket_rowlast',
    'outputs/last_hidden_state',
  ]);
  expect(results.filter(({ pass }) => !pass)).toEqual([]);
});

/** States of the tokens that count, prompt after prompt. */
const counted = (states: Float32Array, mask: TokenBatch['mask'], width: number): number[] =>
  mask.flatMap((row, prompt) =>
    row.flatMap((counts, i) => {
      const start = (prompt * row.length + i) * width;
      return counts ? [...states.subarray(start, start + width)] : [];
    }),
  );

describe('encode', () => {
  test('leaves out padding and changes nothing for the tokens that count', async () => {
    const { states, dims, mask } = await loadTextEncoder(runtime, reference.weights, config()).encode(tokens);
    const longest = Math.max(...tokens.mask.map((row) => row.filter(Boolean).length));
    expect(dims).toEqual([2, longest, 32]);
    expect(mask!.map((row) => row.length)).toEqual([longest, longest]);
    expect(largestError(counted(states, mask!, 32), counted(expected, tokens.mask, 32))).toBeLessThan(2e-5);
  });

  test.each(kernels)(
    'gives each prompt the bytes that it gives it alone, however long others are, %s',
    async (kernel) => {
      const encoder = loadTextEncoder({ ...runtime, attentionKernel: () => kernel }, reference.weights, config());
      const [longest, vocabulary] = [150, config().vocabularySize];
      const row = (length: number) => ({
        ids: Array.from({ length: longest }, (_, i) => (i < length ? 1 + ((i * 37 + length) % (vocabulary - 1)) : 0)),
        mask: Array.from({ length: longest }, (_, i) => (i < length ? 1 : 0)),
      });
      const batchOf = (rows: ReturnType<typeof row>[]) => ({
        ids: rows.map(({ ids }) => ids),
        mask: rows.map(({ mask }) => mask),
      });
      const rows = [40, 2, 150, 33, 77].map(row);
      const together = await encoder.encode(batchOf(rows));
      const each = [];
      for (const one of rows) each.push(...(await encoder.encode(batchOf([one]))).states);
      expect(counted(together.states, together.mask!, 32)).toEqual(each);
    },
  );

  test('reports each block, and stops between blocks when asked to', async () => {
    const stop = new AbortController();
    const seen: string[] = [];
    const encoding = loadTextEncoder(runtime, reference.weights, config()).encode(tokens, {
      signal: stop.signal,
      onBlock(done, total) {
        seen.push(`${done}/${total}`);
        if (done === 2) stop.abort();
      },
    });
    await expect(encoding).rejects.toMatchObject({ code: 'aborted' });
    expect(seen).toEqual(['1/3', '2/3']);
  });
});

describe('weights', () => {
  /** The golden weights, narrowed and renamed. */
  async function stored(dtype: 'F16' | 'BF16', rename = (name: string) => name): Promise<Weights> {
    const narrow = { F16: float32ToFloat16, BF16: float32ToBfloat16 }[dtype];
    const tensors: TensorSource[] = [];
    for (const name of reference.weights.names()) {
      const weight = reference.weights.get(name);
      tensors.push({ name: rename(name), dtype, shape: weight.shape, data: narrow(await readFloat32(weight)) });
    }
    return writeCheckpoint(folder, tensors);
  }

  test.each([
    ['F16', 5e-3],
    ['BF16', 5e-2],
  ] as const)('may be %s, within the error of storing them', async (dtype, tolerance) => {
    const encoder = loadTextEncoder(runtime, await stored(dtype), config());
    const { states } = await encoder.encode(tokens, { fullLength: true });
    expect(largestError(states, expected)).toBeLessThan(tolerance);
  });

  test('may name the embeddings after the encoder, and be those of a whole T5', async () => {
    const weights = await stored('F16', (name) => (name === 'shared.weight' ? 'encoder.embed_tokens.weight' : name));
    await loadTextEncoder(runtime, weights, config()).encode(tokens);
  });

  test('are those of the published T5 v1.1 XXL', async () => {
    const published = JSON.parse(await readFile(`${golden}/params_t5_xxl_encoder.json`, 'utf8'));
    const embeddings = ['shared.weight', 'encoder.embed_tokens.weight'];
    const shapes = embeddings.flatMap((name) => [...t5Shapes(parseT5Config({}), name)]); // PyTorch lists the tied table twice
    expect(Object.fromEntries(shapes)).toEqual(published);
  });

  test('are missed by name', () => {
    const load = () => loadTextEncoder(runtime, weightsOf([]), config());
    expect(load).toThrow(/Missing \(30\).*shared\.weight/);
  });
});

describe('buckets', () => {
  const sizes = { distanceBuckets: 32, maxDistance: 128 };
  test.each([
    [0, 0],
    [-1, 1],
    [1, 17],
    [-7, 7],
    [-8, 8],
    [-16, 10],
    [-32, 12],
    [-64, 14],
    [-90, 14],
    [-91, 15],
    [-300, 15],
    [91, 31],
  ])('a key %i tokens later is of class %i', (distance, bucket) => {
    expect(bucketOf(distance, sizes)).toBe(bucket);
  });
});

describe('config', () => {
  test('defaults to T5 v1.1 XXL', () => {
    expect(parseT5Config({ feed_forward_proj: 'gated-gelu' })).toMatchObject({
      hiddenSize: 4096,
      numLayers: 24,
      numHeads: 64,
    });
  });

  test('other feed-forwards are refused', () => {
    expect(() => parseT5Config({ feed_forward_proj: 'relu' })).toThrow(/gated-gelu/);
  });
});
