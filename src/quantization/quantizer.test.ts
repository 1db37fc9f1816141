import { existsSync, readdirSync, readFileSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { randomTensors, temporaryFolder, writeWeights } from '../../test/layers.ts';
import type { Precision } from '../model.ts';
import { openCache } from '../weights/cache.ts';
import type { Weights } from '../weights/checkpoint.ts';
import { createQuantizer, type QuantizationOptions } from './quantizer.ts';
import { defaultRecipes, isSimulated, simulation } from './recipe.ts';
import { quantizationMethods } from './recipes.ts';

const folder = temporaryFolder();
const random = randomTensors(9);
let home: string;
let homes = 0;
let weights: Weights;
beforeEach(async () => {
  home = join(folder, `home-${homes++}`);
  weights = await writeWeights(folder, { 'a.qkv.weight': random([32, 128]), 'a.qkv.bias': random([32]) });
});

const cpu = { backend: 'cpu', integerProducts: 'exact' } as const;
const prepare = (precision: Precision, options: QuantizationOptions = {}) =>
  createQuantizer(weights, [{ name: 'a.qkv', role: 'attention-input' }], cpu, {
    cache: openCache(home),
    ...options,
  }).prepare(precision);
const cached = () => readdirSync(join(home, 'quantized')).filter((name) => name.endsWith('.safetensors'));
const cacheFile = () => join(home, 'quantized', cached()[0]!);
/** The same content a second later. */
const age = (path: string) => utimesSync(path, new Date(), new Date(Date.now() - 60_000));

describe('the cache', () => {
  it('float32 is the checkpoint itself and writes nothing', async () => {
    const numerics = await prepare('fp32');
    expect(numerics.weights).toBe(weights);
    expect(numerics.integer).toBe(false);
    expect(existsSync(home)).toBe(false);
  });

  it('is written once, under a name of its content, and leaves nothing else', async () => {
    const { weights: packed } = await prepare('w8a8');
    expect(packed.get('a.qkv.packed')).toMatchObject({ dtype: 'I8', shape: [128, 32], file: cacheFile() });
    expect(packed.get('a.qkv.bias')).toEqual(weights.get('a.qkv.bias'));
    const { mtimeMs } = statSync(cacheFile());
    await prepare('w8a8');
    expect(statSync(cacheFile()).mtimeMs).toBe(mtimeMs);
    expect(readdirSync(join(home, 'quantized')).sort()).toEqual([cached()[0]!, `${cached()[0]}.sha256`]);
  });

  it('one file per weights and recipe; activations alone make no new one', async () => {
    await prepare('w8a8');
    await prepare('w4a8');
    expect(cached()).toHaveLength(2);
    await prepare('w4a6');
    expect(cached()).toHaveLength(2);
    weights = await writeWeights(folder, { 'a.qkv.weight': random([32, 128]) });
    await prepare('w8a8');
    expect(cached()).toHaveLength(3);
  });

  it.each([
    ['truncated', (path: string) => truncateSync(path, statSync(path).size - 5)],
    ['empty', (path: string) => truncateSync(path, 0)],
    [
      'altered in one bit',
      (path: string) => {
        const bytes = readFileSync(path);
        bytes[bytes.length - 1]! ^= 1;
        writeFileSync(path, bytes);
      },
    ],
    ['something else', (path: string) => writeFileSync(path, 'not a safetensors file')],
  ])('a file that is %s is written anew', async (_, damage) => {
    await prepare('w8a8');
    const whole = readFileSync(cacheFile());
    damage(cacheFile());
    age(cacheFile());
    await prepare('w8a8');
    expect(readFileSync(cacheFile()).equals(whole)).toBe(true);
  });

  it('a whole file of other weights under this name is written anew', async () => {
    await prepare('w8a8');
    const [path, whole] = [cacheFile(), readFileSync(cacheFile())];
    const other = join(folder, `other-${homes}`);
    const otherWeights = await writeWeights(folder, { 'a.qkv.weight': random([32, 128]) });
    await createQuantizer(otherWeights, [{ name: 'a.qkv', role: 'attention-input' }], cpu, {
      cache: openCache(other),
    }).prepare('w8a8');
    const foreign = join(other, 'quantized', readdirSync(join(other, 'quantized'))[0]!);
    for (const suffix of ['', '.sha256']) writeFileSync(path + suffix, readFileSync(foreign + suffix));
    await prepare('w8a8');
    expect(readFileSync(path).equals(whole)).toBe(true);
  });
});

describe('what cannot be had', () => {
  it('a precision that is not there', async () => {
    await expect(prepare('fp16' as Precision)).rejects.toMatchObject({ code: 'unsupported_precision' });
  });

  it('weights that are no numbers, whether they are packed or not', async () => {
    const tensor = (shape: number[], at: number) => {
      const { data } = random(shape);
      data[at] = Number.NEGATIVE_INFINITY;
      return { shape, data };
    };
    for (const bad of ['a.qkv.weight', 'a.table']) {
      const good = { 'a.qkv.weight': random([32, 128]), 'a.table': random([6, 32]) };
      const [, inputs] = good[bad as keyof typeof good].shape;
      weights = await writeWeights(folder, { ...good, [bad]: tensor([32, inputs!], 5) });
      const message = expect.stringMatching(`${bad} in .*1 of ${32 * inputs!} numbers are NaN or infinite`);
      await expect(prepare('w8a8')).rejects.toMatchObject({ code: 'not_finite', message });
      expect(existsSync(join(home, 'quantized')) ? cached() : []).toEqual([]);
      expect((await prepare('fp32')).weights).toBe(weights);
    }
  });

  it('six bits, or channels that are no multiple of 128, in blocks', async () => {
    const blocks = quantizationMethods['q-dit']!.recipe(8);
    const six = { ...blocks, activations: { ...blocks.activations, bits: 6 } } as const;
    await expect(prepare('w8a8', { recipes: { w8a8: six } })).rejects.toThrow(/6-bit/);
    weights = await writeWeights(folder, { 'a.qkv.weight': random([32, 96]) });
    await expect(prepare('w8a8', { recipes: { w8a8: blocks } })).rejects.toThrow(/a\.qkv.*multiple of 128/);
    const webgpu = { backend: 'webgpu', integerProducts: 'exact' } as const;
    await expect(
      createQuantizer(weights, [{ name: 'a.qkv', role: 'attention-input' }], webgpu, {
        cache: openCache(home),
      }).prepare('w8a8'),
    ).rejects.toMatchObject({
      code: 'unsupported_precision',
    });
  });

  it('smoothing without maxima', async () => {
    const recipes = { w8a8: quantizationMethods.smoothquant!.recipe(8) };
    await expect(prepare('w8a8', { recipes })).rejects.toMatchObject({ code: 'invalid_option' });
  });
});

it('says which precisions are only simulated', () => {
  expect(Object.keys(defaultRecipes).filter((name) => isSimulated(name as 'w8a8', 'cpu'))).toEqual(['w4a6']);
  expect(isSimulated('fp32', 'cpu')).toBe(false);
  expect(simulation('w4a6', 'webgpu')).toMatch(/64 levels/);
});
