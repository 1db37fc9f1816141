import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { checkWeights } from './check.ts';
import { openCheckpoint, readFloat32, weightsOf } from './checkpoint.ts';
import { encode } from './format.ts';

const root = realpathSync(mkdtempSync(join(tmpdir(), 'quantcache-checkpoint-')));
afterAll(() => rmSync(root, { recursive: true }));

let folder = '';
let count = 0;
beforeEach(() => {
  folder = join(root, String(count++));
  mkdirSync(folder);
});

/** A file of F32 tensors of one element each. */
function put(name: string, values: Record<string, number>): string {
  const tensors = Object.entries(values).map(([key, value]) => ({
    name: key,
    dtype: 'F32' as const,
    shape: [1],
    data: Float32Array.of(value),
  }));
  const path = join(folder, name);
  writeFileSync(path, encode(tensors, { from: name }));
  return path;
}

function putIndex(name: string, map: unknown): void {
  writeFileSync(join(folder, name), JSON.stringify({ metadata: {}, weight_map: map }));
}

describe('openCheckpoint', () => {
  it('gives the weights of a real file by scope', async () => {
    const checkpoint = await openCheckpoint('test/fixtures/golden/t5_encoder.safetensors');
    const attention = checkpoint.scope('weights/').scope('encoder.block.0.layer.0').scope('SelfAttention');
    expect(attention.names().sort()).toEqual([
      'k.weight',
      'o.weight',
      'q.weight',
      'relative_attention_bias.weight',
      'v.weight',
    ]);
    const weight = attention.get('k.weight');
    expect(weight).toMatchObject({
      name: 'weights/encoder.block.0.layer.0.SelfAttention.k.weight',
      file: realpathSync('test/fixtures/golden/t5_encoder.safetensors'),
      dtype: 'F32',
      shape: [32, 32],
    });
    const values = await readFloat32(weight);
    expect(values[0]).toBe(readFileSync(weight.file).readFloatLE(weight.offset));
    expect(attention.has('k.bias')).toBe(false);
    expect(() => attention.get('k.bias')).toThrow('no tensor "weights/encoder.block.0.layer.0.SelfAttention.k.bias"');
    expect(checkpoint.scope('weights/encoder.block.0.layer.0.SelfAttent').names()).toEqual([]);
  });

  it.each(['model.safetensors', 'diffusion_pytorch_model.safetensors', 'anything.safetensors'])(
    'finds %s',
    async (name) => {
      const path = put(name, { x: 3 });
      writeFileSync(join(folder, 'pytorch_model.bin'), 'pickle');
      const checkpoint = await openCheckpoint(folder);
      expect(checkpoint.files).toEqual([path]);
      expect(checkpoint.metadata).toEqual({ from: name });
    },
  );

  it('prefers model.safetensors, and asks when the choice is open', async () => {
    put('a.safetensors', { x: 1 });
    put('b.safetensors', { x: 2 });
    const message = expect.stringMatching(/several checkpoints: a\.safetensors, b\.safetensors/);
    await expect(openCheckpoint(folder)).rejects.toMatchObject({ code: 'invalid_option', message });
    put('model.safetensors', { x: 3 });
    expect([...(await readFloat32((await openCheckpoint(folder)).get('x')))]).toEqual([3]);
  });

  it('follows links, so that graphs point to the real file', async () => {
    const target = put('blob.safetensors', { x: 1 });
    const snapshot = join(folder, 'snapshot');
    mkdirSync(snapshot);
    symlinkSync(target, join(snapshot, 'model.safetensors'));
    expect((await openCheckpoint(snapshot)).get('x').file).toBe(target);
  });

  it('joins shards', async () => {
    const second = put('model-00002-of-00002.safetensors', { b: 2 });
    const first = put('model-00001-of-00002.safetensors', { a: 1 });
    const map = { b: 'model-00002-of-00002.safetensors', a: 'model-00001-of-00002.safetensors' };
    putIndex('model.safetensors.index.json', map);
    for (const path of [folder, join(folder, 'model.safetensors.index.json')]) {
      const checkpoint = await openCheckpoint(path);
      expect(checkpoint.files).toEqual([first, second]);
      expect(checkpoint.names()).toEqual(['a', 'b']);
      expect([...(await readFloat32(checkpoint.get('b')))]).toEqual([2]);
    }
  });

  it('names a missing shard, and a tensor that its shard lacks', async () => {
    put('model-00001-of-00002.safetensors', { a: 1 });
    const map: Record<string, string> = {
      a: 'model-00001-of-00002.safetensors',
      b: 'model-00002-of-00002.safetensors',
    };
    putIndex('model.safetensors.index.json', map);
    const message = expect.stringMatching(/lacks 1 of the 2 shards .*: model-00002-of-00002\.safetensors\./);
    await expect(openCheckpoint(folder)).rejects.toMatchObject({ code: 'model_not_found', message });
    put('model-00002-of-00002.safetensors', { c: 1 });
    await expect(openCheckpoint(folder)).rejects.toMatchObject({
      code: 'corrupt_file',
      message: expect.stringMatching(/1 tensors are not in the shards .*: b \(model-00002-of-00002\.safetensors\)\./),
    });
  });

  it('follows the index where a shard holds more than it says', async () => {
    put('model-00001-of-00002.safetensors', { a: 1 });
    put('model-00002-of-00002.safetensors', { a: 0, b: 2, c: 3 });
    const map = { a: 'model-00001-of-00002.safetensors', b: 'model-00002-of-00002.safetensors' };
    putIndex('model.safetensors.index.json', map);
    const checkpoint = await openCheckpoint(folder);
    expect([...(await readFloat32(checkpoint.get('a')))]).toEqual([1]);
    expect(checkpoint.names()).toEqual(['a', 'b']);
    putIndex('model.safetensors.index.json', { ...map, b: 'model-00001-of-00002.safetensors' });
    await expect(openCheckpoint(folder)).rejects.toMatchObject({ code: 'corrupt_file' });
  });

  it.each([
    ['null', 'null'],
    ['a list', '[]'],
    ['text', '"model.safetensors"'],
    ['no JSON', '{'],
    ['a tensor twice', '{"weight_map":{"a":"x.safetensors","\\u0061":"y.safetensors"}}'],
  ])('refuses an index that is %s', async (_, text) => {
    const index = join(folder, 'model.safetensors.index.json');
    writeFileSync(index, text);
    const message = expect.stringMatching(/model\.safetensors\.index\.json .*Copy or download it again/s);
    await expect(openCheckpoint(folder)).rejects.toMatchObject({ code: 'corrupt_file', message });
  });

  it.each([
    ['no map', undefined],
    ['an empty map', {}],
    ['a list as map', ['a.safetensors']],
    ['a shard elsewhere', { a: '../secret.safetensors' }],
    ['a shard that is no safetensors file', { a: 'model.bin' }],
  ])('refuses an index with %s', async (_, map) => {
    putIndex('model.safetensors.index.json', map);
    await expect(openCheckpoint(folder)).rejects.toMatchObject({
      code: 'corrupt_file',
      message: expect.stringContaining('weight_map'),
    });
  });

  it('refuses pickles and names a way out', async () => {
    const pickle = join(folder, 'pytorch_model-00001-of-00002.bin');
    writeFileSync(pickle, 'pickle');
    for (const path of [folder, pickle]) {
      const message = expect.stringMatching(
        /pytorch_model-00001-of-00002\.bin.*city96\/t5-v1_1-xxl-encoder-bf16.*save_model/s,
      );
      await expect(openCheckpoint(path)).rejects.toMatchObject({ code: 'unsupported_format', message });
    }
  });

  it('says what is missing: no folder, no weights, a truncated file', async () => {
    await expect(openCheckpoint(join(folder, 'none'))).rejects.toMatchObject({ code: 'model_not_found' });
    await expect(openCheckpoint(folder)).rejects.toMatchObject({
      code: 'model_not_found',
      message: expect.stringContaining('holds no weights'),
    });
    const path = put('model.safetensors', { x: 1 });
    writeFileSync(path, readFileSync(path).subarray(0, -1));
    await expect(openCheckpoint(folder)).rejects.toMatchObject({
      code: 'corrupt_file',
      message: expect.stringContaining(path),
    });
  });
});

describe('checkWeights', () => {
  const weight = (name: string, shape: number[], dtype: 'F32' | 'I8' = 'F32') => ({
    name,
    dtype,
    shape,
    file: '/x',
    offset: 0,
    length: 0,
  });
  const weights = weightsOf([weight('a', [2, 3]), weight('b', [4]), weight('c', [1], 'I8'), weight('extra.1', [1])]);

  it('accepts a fit and returns the extras', () => {
    expect(checkWeights(weights, { a: [2, 3], b: [4] })).toEqual(['c', 'extra.1']);
    expect(checkWeights(weights, new Map([['a', [2, 3]]]), { ignore: ['b', /^extra\./, 'c'] })).toEqual([]);
    expect(
      checkWeights(weights, { a: [2, 3], 'rope.freqs': [36] }, { optional: ['rope.freqs'], ignore: [/./] }),
    ).toEqual([]);
  });

  it('reports everything in one message', () => {
    const expected = { a: [3, 2], b: [4, 1], c: [1], d: [1], 'rope.freqs': [36] };
    const check = () => checkWeights(weights, expected, { label: 'STDiT3', optional: [/^rope/] });
    expect(check).toThrow(
      [
        'The checkpoint does not fit STDiT3 of 5 tensors.',
        'Missing (1): d.',
        'Misshapen (2): a (expected [3, 2], found [2, 3]), b (expected [4, 1], found [4]).',
        'Of another type (1): c (expected F32 or F16 or BF16, found I8).',
        'Extra (1): extra.1.',
        'Use the checkpoint that belongs to this config.json, or correct the config.',
      ].join('\n'),
    );
    expect(check).toThrow(expect.objectContaining({ code: 'weights_mismatch' }));
  });

  it('names twelve of many', () => {
    const expected = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`m${i}`, [1]]));
    expect(() => checkWeights(weights, expected)).toThrow(/Missing \(30\): m0, .*, m11 and 18 more\./);
  });
});
