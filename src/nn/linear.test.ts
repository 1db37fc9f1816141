/** Linear maps and activations against the plain oracle. */
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { expectSame, randomTensors, runOnce, scopeOf, temporaryFolder, writeWeights } from '../../test/layers.ts';
import { createRuntime } from '../runtime/node.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { openCheckpoint } from '../weights/checkpoint.ts';
import { bfloat16ToFloat32, float16ToFloat32, float32ToBfloat16, float32ToFloat16 } from '../weights/half.ts';
import { writeSafetensors } from '../weights/safetensors.ts';
import { gelu, linearFp32, overRows, perceptron, silu } from './linear.ts';
import * as reference from './reference.ts';

let runtime: Runtime;
const folder = temporaryFolder();
beforeAll(async () => {
  runtime = await createRuntime({ threads: 1 });
});

describe('linearFp32', () => {
  test.each([true, false])('with bias: %s', async (biased) => {
    const random = randomTensors(2);
    const [x, weight, bias] = [random([6, 20]), random([12, 20]), random([12])];
    const weights = await writeWeights(
      folder,
      biased ? { 'fc.weight': weight, 'fc.bias': bias } : { 'fc.weight': weight },
    );
    const scope = scopeOf(weights);
    scope.graph.output('y', linearFp32(scope, scope.graph.input('x', ['rows', 20]), 'fc'));
    expectSame(await runOnce(runtime, scope.graph, { x }), reference.linear(x, weight, biased ? bias : undefined));
  });

  test('sees a convolution of patches as a linear map', async () => {
    const random = randomTensors(3);
    const [x, weight, bias] = [random([5, 16]), random([8, 4, 1, 2, 2]), random([8])];
    const scope = scopeOf(await writeWeights(folder, { 'proj.weight': weight, 'proj.bias': bias }));
    scope.graph.output('y', linearFp32(scope, scope.graph.input('x', ['rows', 16]), 'proj'));
    const matrix = { shape: [8, 16], data: weight.data };
    expectSame(await runOnce(runtime, scope.graph, { x }), reference.linear(x, matrix, bias));
  });
});

test.each(['F16', 'BF16'] as const)(
  'large weights in %s are widened some outputs at a time, to the same numbers',
  async (dtype) => {
    const [outputs, inputs, rows] = [3 * 1024, 4096, 3]; // 48 MB widened, and less at a time
    const narrow = dtype === 'F16' ? float32ToFloat16 : float32ToBfloat16;
    const widen = dtype === 'F16' ? float16ToFloat32 : bfloat16ToFloat32;
    const random = randomTensors(6);
    const [x, bias] = [random([rows, inputs]), random([outputs])];
    const stored = narrow(random([outputs, inputs]).data);
    const file = join(folder, `${dtype}.safetensors`);
    await writeSafetensors(file, [
      { name: 'fc.weight', dtype, shape: [outputs, inputs], data: stored },
      { name: 'fc.bias', dtype: 'F32', shape: [outputs], data: bias.data },
    ]);
    const scope = scopeOf(await openCheckpoint(file));
    scope.graph.output('y', linearFp32(scope, scope.graph.input('x', ['rows', inputs]), 'fc'));
    expect(new TextDecoder('latin1').decode(scope.graph.build().bytes)).toMatch(/Scan/);
    const weight = { shape: [outputs, inputs], data: widen(stored) };
    expectSame(await runOnce(runtime, scope.graph, { x }), reference.linear(x, weight, bias));
  },
);

test('overRows keeps the leading axes', async () => {
  const random = randomTensors(4);
  const [x, weight] = [random([2, 3, 5, 8]), random([7, 8])];
  const scope = scopeOf(await writeWeights(folder, { 'fc.weight': weight }));
  const input = scope.graph.input('x', ['a', 'b', 'c', 8]);
  scope.graph.output(
    'y',
    overRows(scope, input, 8, (rows) => linearFp32(scope, rows, 'fc')),
  );
  expectSame(await runOnce(runtime, scope.graph, { x }), reference.linear(x, weight));
});

test.each([
  ['gelu', gelu, reference.gelu],
  ['silu', silu, reference.silu],
])('%s', async (_, layer, oracle) => {
  const x = randomTensors(5)([4, 33], 9);
  const scope = scopeOf();
  scope.graph.output('y', layer(scope, scope.graph.input('x')));
  expectSame(await runOnce(runtime, scope.graph, { x }), oracle(x));
});

test('perceptron', async () => {
  const random = randomTensors(6);
  const [x, w1, b1, w2, b2] = [random([6, 8]), random([32, 8]), random([32]), random([8, 32]), random([8])];
  const scope = scopeOf(
    await writeWeights(folder, { 'fc1.weight': w1, 'fc1.bias': b1, 'fc2.weight': w2, 'fc2.bias': b2 }),
  );
  scope.graph.output('y', perceptron(scope, scope.graph.input('x', ['rows', 8]), ['fc1', 'fc2'], gelu));
  const hidden = reference.gelu(reference.linear(x, w1, b1));
  expectSame(await runOnce(runtime, scope.graph, { x }), reference.linear(hidden, w2, b2));
});

test('a missing weight is named', async () => {
  const scope = scopeOf(await writeWeights(folder, { 'fc.bias': randomTensors(7)([4]) }));
  expect(() => linearFp32(scope, scope.graph.input('x'), 'fc')).toThrow(/fc\.weight/);
});
