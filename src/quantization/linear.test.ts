import { stat } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder, writeWeights } from '../../test/layers.ts';
import { linearParts } from '../nn/linear.ts';
import { Graph } from '../onnx/graph.ts';
import { createRuntime } from '../runtime/node.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { torchGenerator } from '../samplers/random.ts';
import { openCache } from '../weights/cache.ts';
import { readFloat32, readWeightBytes, type Weight, type Weights } from '../weights/checkpoint.ts';
import { unpackNibbles } from './quantize.ts';
import { createQuantizer } from './quantizer.ts';
import { defaultRecipes, type Recipe } from './recipe.ts';
import { quantizationMethods } from './recipes.ts';
import type { ActivationMaxima } from './smoothing.ts';

const folder = temporaryFolder();
let runtime: Runtime;
/** On any processor as on one whose products of signed weights saturate. */
let unsigned: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ threads: 1 });
  unsigned = await createRuntime({ threads: 1, integerProducts: 'saturates' });
});
afterAll(() => runtime[Symbol.asyncDispose]());

const inputs = 256;
const outputs = 64;
const rows = 96;
const { randn } = torchGenerator(3);
const weightData = randn(outputs * inputs).map((value) => value / 16);
const bias = randn(outputs);
const gaussian = randn(rows * inputs);
/** One channel in 64 is 20 times larger, and rows differ in size. */
const outliers = gaussian.map((value, i) => value * (i % 64 === 7 ? 20 : 1) * (1 + (Math.floor(i / inputs) % 4)));

const layers = [
  { name: 'block.qkv', role: 'attention-input' },
  { name: 'block.fc2', role: 'feed-forward-output' },
] as const;
let weights: Weights;
beforeAll(async () => {
  const tensor = (data: Float32Array, shape: number[]) => ({ data, shape });
  weights = await writeWeights(folder, {
    'block.qkv.weight': tensor(weightData, [outputs, inputs]),
    'block.qkv.bias': tensor(bias, [outputs]),
    'block.fc2.weight': tensor(weightData, [outputs, inputs]),
  });
});

interface Case {
  readonly recipe: Recipe;
  readonly layer?: string;
  readonly x: Float32Array;
  readonly slices?: number;
  readonly maxima?: ActivationMaxima;
  /** Writes the layer in so many parts, put together again. */
  readonly parts?: number;
  readonly on?: Runtime;
}

/** The layer in integers, and the weights it was given; a smoothed input is balanced here as the norm before it would. */
async function run({ recipe, layer = 'qkv', x, slices, maxima, parts, on = runtime }: Case) {
  const quantizer = createQuantizer(weights, layers, on, {
    cache: openCache(folder),
    recipes: { w8a8: recipe },
    maxima,
  });
  const numerics = await quantizer.prepare('w8a8');
  const graph = new Graph('test');
  const scope = { graph, weights: numerics.weights.scope('block'), linear: numerics.linear, slices };
  let value = graph.input('x', ['rows', inputs]);
  if (scope.weights.has(`${layer}.balance`))
    value = graph.op.Mul(value, graph.weight(scope.weights.get(`${layer}.balance`)));
  const whole = () => scope.linear(scope, value, layer);
  graph.output('y', parts ? graph.op.Concat(...linearParts(scope, value, layer, parts), { axis: 1 }) : whole());
  const session = await runtime.compile(graph.build(), { prepack: true });
  const { y } = await session.run({ x: runtime.tensor(x, [x.length / inputs, inputs]) });
  const result = (await runtime.read(y!)).slice();
  await session.dispose();
  return { result, weights: scope.weights };
}

function exact(x: Float32Array, withBias = true): Float64Array {
  const y = new Float64Array((x.length / inputs) * outputs);
  for (let i = 0; i < y.length; i++) {
    const [row, column] = [Math.floor(i / outputs), i % outputs];
    let sum = withBias ? bias[column]! : 0;
    for (let k = 0; k < inputs; k++) sum += x[row * inputs + k]! * weightData[column * inputs + k]!;
    y[i] = sum;
  }
  return y;
}

function relative(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let error = 0;
  let size = 0;
  for (let i = 0; i < expected.length; i++) {
    error += (actual[i]! - expected[i]!) ** 2;
    size += expected[i]! ** 2;
  }
  return Math.sqrt(error / size);
}

const withBias = (y: Float64Array): Float64Array => y.map((value, i) => value + bias[i % outputs]!);

const halfToEven = (value: number): number => {
  const rounded = Math.round(value);
  return Math.abs(value % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
};

/** Packed weights of 8 bits as signed integers. */
async function signedIntegers(packed: Weight): Promise<Int8Array> {
  const bytes = await readWeightBytes(packed);
  return packed.dtype === 'I8' ? new Int8Array(bytes) : Int8Array.from(bytes, (byte) => byte - 128);
}

/** x W^T in exact integer arithmetic on activations of the given levels and the packed int8 weights `[inputs, outputs]`. */
function integerOracle(x: Float32Array, integers: Int8Array, scales: Float32Array, zero: number, above: number) {
  const y = new Float64Array((x.length / inputs) * outputs);
  for (let row = 0; row < x.length / inputs; row++) {
    const values = x.subarray(row * inputs, (row + 1) * inputs);
    const top = Math.fround(Math.max(...values) * Math.fround(1 / above));
    const scale = Math.max(top, Math.fround(Math.min(...values) * Math.fround(-1 / zero)));
    const levels = [...values].map((value) => halfToEven(Math.fround(value / scale)));
    expect(Math.max(...levels)).toBeLessThanOrEqual(above);
    expect(Math.min(...levels)).toBeGreaterThanOrEqual(-zero);
    for (let column = 0; column < outputs; column++) {
      let sum = 0;
      for (let k = 0; k < inputs; k++) sum += levels[k]! * integers[k * outputs + column]!;
      y[row * outputs + column] = sum * scale * scales[column]!;
    }
  }
  return y;
}

describe.each([
  ['the weights of this processor', () => runtime],
  ['unsigned weights', () => unsigned],
])('rows of integers against plain arithmetic, %s', (_, device) => {
  it.each([
    [8, 'qkv', 128, 127],
    [8, 'fc2', 32, 223],
    [6, 'qkv', 32, 31],
    [6, 'fc2', 8, 55],
  ] as const)('%i-bit activations of %s', async (bits, layer, zero, above) => {
    const recipe: Recipe = {
      weights: { bits: 8 },
      activations: { bits, granularity: 'token', oneSided: ['feed-forward-output'] },
    };
    const { result, weights: packed } = await run({ recipe, layer, x: gaussian, on: device() });
    const integers = await signedIntegers(packed.get(`${layer}.packed`));
    const scales = await readFloat32(packed.get(`${layer}.scale`));
    const expected = integerOracle(gaussian, integers, scales, zero, above);
    expect(relative(result, layer === 'qkv' ? withBias(expected) : expected)).toBeLessThan(1e-6);
  });

  it('weights of 4 bits without groups', async () => {
    const recipe: Recipe = { weights: { bits: 4 }, activations: { bits: 8, granularity: 'token' } };
    const { result, weights: packed } = await run({ recipe, x: gaussian, on: device() });
    const integers = unpackNibbles(await readWeightBytes(packed.get('qkv.packed')));
    const expected = integerOracle(gaussian, integers, await readFloat32(packed.get('qkv.scale')), 128, 127);
    expect(relative(result, withBias(expected))).toBeLessThan(1e-6);
  });

  it.each(['qkv', 'fc2'] as const)(
    'one scale for all rows of %s, from their smallest to their largest value',
    async (layer) => {
      const recipe: Recipe = { weights: { bits: 8 }, activations: { bits: 8, granularity: 'sample' } };
      const x = gaussian.map((value) => Math.max(value, -1));
      const { result, weights: packed } = await run({ recipe, layer, x, on: device() });
      const integers = await signedIntegers(packed.get(`${layer}.packed`));
      const scales = await readFloat32(packed.get(`${layer}.scale`));
      const scale = (Math.max(...x) + 1) / 255;
      const zero = Math.round(1 / scale);
      const rounded = x.map((value) => (Math.round(value / scale + zero) - zero) * scale);
      const expected = new Float64Array(rows * outputs);
      for (let i = 0; i < expected.length; i++) {
        const [row, column] = [Math.floor(i / outputs), i % outputs];
        for (let k = 0; k < inputs; k++)
          expected[i]! += rounded[row * inputs + k]! * integers[k * outputs + column]! * scales[column]!;
      }
      // Levels on the edge between two may round either way.
      expect(relative(result, layer === 'qkv' ? withBias(expected) : expected)).toBeLessThan(1e-4);
    },
  );

  it.each([
    ['8 bits', defaultRecipes.w8a8],
    ['4 bits', { ...defaultRecipes.w4a8, weights: { bits: 4 } } satisfies Recipe],
    ['4 bits in groups', defaultRecipes.w4a8],
    ['8 bits in groups', { ...defaultRecipes.w8a8, weights: { bits: 8, group: 64 } } satisfies Recipe],
    [
      'one scale for all rows',
      { weights: { bits: 8 }, activations: { bits: 8, granularity: 'sample' } } satisfies Recipe,
    ],
  ])('are to the bit what the processor makes of its own, %s', async (_name, recipe) => {
    const { result } = await run({ recipe, x: outliers, on: device() });
    expect(result).toEqual((await run({ recipe, x: outliers })).result);
  });

  it('one scale for all rows takes 8 bits', async () => {
    const recipe: Recipe = { weights: { bits: 8 }, activations: { bits: 6, granularity: 'sample' } };
    await expect(run({ recipe, x: gaussian })).rejects.toThrow(/qkv.*6 bits.*granularity "token"/);
  });

  it('a row depends on no other row, and slices change nothing', async () => {
    const recipe = defaultRecipes.w8a8;
    const all = (await run({ recipe, x: outliers })).result;
    const few = (await run({ recipe, x: outliers.slice(0, 3 * inputs) })).result;
    expect(few).toEqual(all.slice(0, few.length));
    expect((await run({ recipe, x: outliers, slices: 4 })).result).toEqual(all);
  });

  it.each([
    ['per row', defaultRecipes.w8a8],
    ['4 bits in groups', defaultRecipes.w4a8],
    ['per sample', { weights: { bits: 8 }, activations: { bits: 8, granularity: 'sample' } } satisfies Recipe],
  ] as const)('parts are the whole, %s', async (_, recipe) => {
    const { result } = await run({ recipe, x: outliers });
    expect((await run({ recipe, x: outliers, parts: 4 })).result).toEqual(result);
    if (recipe.activations.granularity === 'token')
      expect((await run({ recipe, x: outliers, parts: 4, slices: 4 })).result).toEqual(result);
  });

  it('rows of zeros give the bias', async () => {
    const { result } = await run({ recipe: defaultRecipes.w8a8, x: new Float32Array(2 * inputs) });
    expect(result).toEqual(Float32Array.from([...bias, ...bias]));
  });
});

describe('errors against float32', () => {
  const maxima = new Map(
    ['block.qkv', 'block.fc2'].map((name) => {
      const largest = new Float32Array(inputs);
      for (const [i, value] of outliers.entries())
        largest[i % inputs] = Math.max(largest[i % inputs]!, Math.abs(value));
      return [name, largest];
    }),
  );
  const method = (name: string, bits: 8 | 4) => quantizationMethods[name]!.recipe(bits);
  // Measured on these numbers, with a margin of about a third. Smoothing is calibrated on the outliers.
  const bounds: [string, Recipe, number, number][] = [
    ['w8a8', defaultRecipes.w8a8, 0.011, 0.04],
    ['w4a8', defaultRecipes.w4a8, 0.12, 0.15],
    ['w4a6', defaultRecipes.w4a6, 0.13, 0.18],
    ['Q-Diffusion 8/8', method('q-diffusion', 8), 0.011, 0.08],
    ['Q-DiT 8/8', method('q-dit', 8), 0.0085, 0.03],
    ['PTQ4DiT 8/8', method('ptq4dit', 8), 0.019, 0.023],
    ['SmoothQuant 8/8', method('smoothquant', 8), 0.017, 0.0125],
    ['QuaRot 8/8', method('quarot', 8), 0.0095, 0.012],
    ['ViDiT-Q 8/8', method('vidit-q', 8), 0.011, 0.0065],
    ['Q-Diffusion 4/8', method('q-diffusion', 4), 0.12, 0.19],
    ['Q-DiT 4/8', method('q-dit', 4), 0.11, 0.16],
    ['PTQ4DiT 4/8', method('ptq4dit', 4), 0.28, 0.16],
    ['SmoothQuant 4/8', method('smoothquant', 4), 0.28, 0.16],
    ['QuaRot 4/8', method('quarot', 4), 0.12, 0.18],
    ['ViDiT-Q 4/8', method('vidit-q', 4), 0.14, 0.085],
  ];
  it.each(bounds)('%s', async (_name, recipe, plain, hard) => {
    const errors: number[] = [];
    for (const x of [gaussian, outliers]) errors.push(relative((await run({ recipe, x, maxima })).result, exact(x)));
    expect(errors[0]).toBeLessThan(plain);
    expect(errors[1]).toBeLessThan(hard);
  });

  it('a one-sided input gets nearly twice the resolution', async () => {
    const positive = gaussian.map((value) => Math.max(value, -0.1));
    const one = await run({ recipe: defaultRecipes.w8a8, layer: 'fc2', x: positive });
    const recipe: Recipe = { weights: { bits: 8 }, activations: { bits: 8, granularity: 'token' } };
    const two = await run({ recipe, layer: 'fc2', x: positive });
    const expected = exact(positive, false);
    expect(relative(one.result, expected)).toBeLessThan(0.85 * relative(two.result, expected));
  });
});

it('weights of 4 bits take 4 bits on disk', async () => {
  const { weights: packed } = await run({ recipe: defaultRecipes.w4a8, x: gaussian });
  const { length, file } = packed.get('qkv.packed');
  expect(length).toBe((outputs * inputs) / 2);
  const scales = 2 * (inputs / 128) * outputs * 4;
  expect((await stat(file)).size).toBeLessThan(2 * length + scales + 2000);
});
