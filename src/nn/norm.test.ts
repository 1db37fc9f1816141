/** Normalisations against the plain oracle. */
import { beforeAll, describe, test } from 'vitest';
import { expectSame, randomTensors, runOnce, scopeOf, temporaryFolder, writeWeights } from '../../test/layers.ts';
import { createRuntime } from '../runtime/node.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { groupNorm, layerNorm, modulatedNorm, rmsNorm } from './norm.ts';
import * as reference from './reference.ts';

let runtime: Runtime;
const folder = temporaryFolder();
beforeAll(async () => {
  runtime = await createRuntime({ threads: 1 });
});

/** Numbers far from zero mean, which a norm that forgets the mean would get wrong. */
const shifted = (x: ReturnType<ReturnType<typeof randomTensors>>) => ({
  ...x,
  data: x.data.map((value) => 3 * value + 2),
});

describe('layerNorm', () => {
  test.each([1e-6, 1e-2])('with epsilon %s', async (epsilon) => {
    const x = shifted(randomTensors(8)([2, 5, 24]));
    const scope = scopeOf();
    scope.graph.output('y', layerNorm(scope, scope.graph.input('x'), 24, epsilon));
    expectSame(await runOnce(runtime, scope.graph, { x }), reference.layerNorm(x, epsilon));
  });
});

test('modulatedNorm shifts and scales each batch item on its own', async () => {
  const random = randomTensors(9);
  const [x, shift, scale] = [shifted(random([2, 5, 24])), random([2, 1, 24]), random([2, 1, 24])];
  const scope = scopeOf();
  const [input, by, times] = [scope.graph.input('x'), scope.graph.input('shift'), scope.graph.input('scale')];
  scope.graph.output('y', modulatedNorm(scope, input, 24, by, times));
  expectSame(await runOnce(runtime, scope.graph, { x, shift, scale }), reference.modulatedNorm(x, shift, scale));
});

describe('rmsNorm', () => {
  test.each([
    ['tokens', [2, 5, 24]],
    ['heads', [2, 5, 4, 24]],
  ])('of %s', async (_, shape) => {
    const random = randomTensors(10);
    const [x, weight] = [shifted(random(shape)), random([24])];
    const scope = scopeOf(await writeWeights(folder, { 'q_norm.weight': weight }));
    scope.graph.output('y', rmsNorm(scope, scope.graph.input('x'), 'q_norm'));
    expectSame(await runOnce(runtime, scope.graph, { x }), reference.rmsNorm(x, weight));
  });

  test('a large epsilon counts', async () => {
    const random = randomTensors(11);
    const [x, weight] = [random([3, 8], 0.1), random([8])];
    const scope = scopeOf(await writeWeights(folder, { 'norm.weight': weight }));
    scope.graph.output('y', rmsNorm(scope, scope.graph.input('x'), 'norm', 1));
    expectSame(await runOnce(runtime, scope.graph, { x }), reference.rmsNorm(x, weight, 1));
  });
});

describe('groupNorm', () => {
  test.each([
    ['images', [2, 8, 5, 6]],
    ['clips', [2, 8, 3, 5, 6]],
  ])('of %s', async (_, shape) => {
    const random = randomTensors(12);
    const [x, weight, bias] = [shifted(random(shape)), random([8]), random([8])];
    const scope = scopeOf(await writeWeights(folder, { 'norm.weight': weight, 'norm.bias': bias }));
    const options = { groups: 4, epsilon: 1e-6, rank: shape.length };
    scope.graph.output('y', groupNorm(scope, scope.graph.input('x'), 'norm', options));
    expectSame(await runOnce(runtime, scope.graph, { x }), reference.groupNorm(x, weight, bias, 4, 1e-6));
  });
});
