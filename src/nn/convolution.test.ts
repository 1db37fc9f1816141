/** Convolutions and upsampling against the plain oracle. */
import { beforeAll, describe, test } from 'vitest';
import { expectSame, randomTensors, runOnce, scopeOf, temporaryFolder, writeWeights } from '../../test/layers.ts';
import { createRuntime } from '../runtime/node.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { convolution, upsampleNearest } from './convolution.ts';
import * as reference from './reference.ts';

let runtime: Runtime;
const folder = temporaryFolder();
beforeAll(async () => {
  runtime = await createRuntime({ threads: 1 });
});

describe('convolution', () => {
  test.each([
    {
      name: '3x3, same size',
      x: [2, 4, 6, 5],
      weight: [8, 4, 3, 3],
      used: { strides: [1, 1], pads: [1, 1, 1, 1] },
      given: {},
    },
    { name: '1x1', x: [2, 4, 6, 5], weight: [8, 4, 1, 1], used: { strides: [1, 1], pads: [0, 0, 0, 0] }, given: {} },
    {
      name: 'stride 2, padded at the end',
      x: [1, 4, 6, 8],
      weight: [8, 4, 3, 3],
      given: { strides: [2, 2], pads: [0, 0, 1, 1] },
    },
    {
      name: '3x3x3, same size',
      x: [1, 4, 3, 6, 5],
      weight: [4, 4, 3, 3, 3],
      used: { strides: [1, 1, 1], pads: [1, 1, 1, 1, 1, 1] },
      given: {},
    },
    {
      name: 'causal in time',
      x: [1, 4, 4, 5, 5],
      weight: [4, 4, 3, 3, 3],
      given: { pads: [2, 1, 1, 0, 1, 1], strides: [1, 1, 1] },
    },
    {
      name: 'stride 2 in time',
      x: [1, 4, 5, 4, 4],
      weight: [4, 4, 3, 3, 3],
      given: { pads: [2, 1, 1, 0, 1, 1], strides: [2, 1, 1] },
    },
  ])('$name', async ({ x: shape, weight: weightShape, given, used }) => {
    const random = randomTensors(17);
    const [x, weight, bias] = [random(shape), random(weightShape), random([weightShape[0]!])];
    const scope = scopeOf(await writeWeights(folder, { 'conv.weight': weight, 'conv.bias': bias }));
    scope.graph.output('y', convolution(scope, scope.graph.input('x', shape), 'conv', given));
    const options = (used ?? given) as { strides: number[]; pads: number[] };
    expectSame(await runOnce(runtime, scope.graph, { x }), reference.convolution(x, weight, bias, options));
  });

  test('without a bias', async () => {
    const random = randomTensors(18);
    const [x, weight] = [random([1, 4, 5, 5]), random([8, 4, 3, 3])];
    const scope = scopeOf(await writeWeights(folder, { 'conv.weight': weight }));
    scope.graph.output('y', convolution(scope, scope.graph.input('x'), 'conv'));
    const options = { strides: [1, 1], pads: [1, 1, 1, 1] };
    expectSame(await runOnce(runtime, scope.graph, { x }), reference.convolution(x, weight, undefined, options));
  });
});

test('upsampleNearest', async () => {
  const x = randomTensors(19)([2, 3, 4, 5]);
  const scope = scopeOf();
  scope.graph.output('y', upsampleNearest(scope, scope.graph.input('x')));
  expectSame(await runOnce(runtime, scope.graph, { x }), reference.upsampleNearest(x));
});
