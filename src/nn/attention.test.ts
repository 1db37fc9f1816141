/** Attention in every kernel, and rotary embedding, against the plain oracle. */
import { beforeAll, describe, expect, test } from 'vitest';
import { expectSame, kernels, largestError, randomTensors, runOnce, scopeOf } from '../../test/layers.ts';
import { createRuntime } from '../runtime/node.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { attention, attentionOpset, rotaryEmbedding } from './attention.ts';
import * as reference from './reference.ts';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ threads: 1 });
});

const cases = [
  { name: 'short self-attention', batch: 3, queries: 5, keys: 5, heads: 2, headSize: 8 },
  { name: 'long self-attention', batch: 1, queries: 70, keys: 70, heads: 2, headSize: 8 },
  { name: 'cross-attention', batch: 2, queries: 40, keys: 7, heads: 4, headSize: 6 },
  { name: 'one key', batch: 2, queries: 3, keys: 1, heads: 2, headSize: 4 },
  { name: 'one query', batch: 2, queries: 1, keys: 9, heads: 2, headSize: 4 },
  { name: 'one head', batch: 1, queries: 4, keys: 4, heads: 1, headSize: 16 },
];

describe.each(kernels)('attention, %s', (kernel) => {
  test.each(cases)('$name', async ({ batch, queries, keys, heads, headSize }) => {
    const random = randomTensors(13);
    const width = heads * headSize;
    const [q, k, v] = [
      random([batch, queries, width], 3),
      random([batch, keys, width], 3),
      random([batch, keys, width]),
    ];
    const { graph } = scopeOf(undefined, attentionOpset(kernel));
    graph.output(
      'y',
      attention(graph, graph.input('q'), graph.input('k'), graph.input('v'), { heads, headSize, kernel }),
    );
    expectSame(await runOnce(runtime, graph, { q, k, v }), reference.attention(q, k, v, { heads }));
  });

  test.each([
    ['every batch item and head', [2, 2]],
    ['every head', [1, 2]],
    ['every batch item', [2, 1]],
    ['all alike', [1, 1]],
  ])('a scale of 1 and a bias for %s', async (_, [batches, headCount]) => {
    const random = randomTensors(14);
    const [q, k, v, bias] = [
      random([2, 37, 8]),
      random([2, 11, 8]),
      random([2, 11, 8]),
      random([batches!, headCount!, 37, 11], 4),
    ];
    const { graph } = scopeOf(undefined, attentionOpset(kernel));
    const inputs = ['q', 'k', 'v', 'bias'].map((name) => graph.input(name)) as [never, never, never, never];
    const options = { heads: 2, headSize: 4, kernel, scale: 1, bias: inputs[3] };
    graph.output('y', attention(graph, inputs[0], inputs[1], inputs[2], options));
    expectSame(
      await runOnce(runtime, graph, { q, k, v, bias }),
      reference.attention(q, k, v, { heads: 2, scale: 1, bias }),
    );
  });

  test('a key with the lowest float32 as bias does not count', async () => {
    const random = randomTensors(15);
    const [q, k, v] = [random([1, 5, 8]), random([1, 6, 8]), random([1, 6, 8])];
    const lowest = -3.4028234663852886e38;
    const bias = { shape: [1, 1, 5, 6], data: Float32Array.from({ length: 30 }, (_, i) => (i % 6 < 4 ? 0 : lowest)) };
    const { graph } = scopeOf(undefined, attentionOpset(kernel));
    const [a, b, c, d] = ['q', 'k', 'v', 'bias'].map((name) => graph.input(name));
    graph.output('y', attention(graph, a!, b!, c!, { heads: 2, headSize: 4, kernel, bias: d }));
    const short = (x: typeof k) => ({ shape: [1, 4, 8], data: x.data.slice(0, 32) });
    expectSame(
      await runOnce(runtime, graph, { q, k, v, bias }),
      reference.attention(q, short(k), short(v), { heads: 2 }),
    );
  });
});

test('the runtime names a kernel that exists', () => {
  for (const scores of [1, 2 ** 22, 2 ** 23, Number.POSITIVE_INFINITY])
    expect(kernels).toContain(runtime.attentionKernel(scores));
});

test('rotaryEmbedding rotates interleaved pairs, from position 0', async () => {
  const [batch, length, heads, headSize] = [3, 5, 2, 8];
  const x = randomTensors(16)([batch, length, heads * headSize]);
  const angles = Float64Array.from({ length: length * 4 }, (_, i) => Math.floor(i / 4) * 10000 ** (-(i % 4) / 4));
  const table = (compute: (angle: number) => number) => ({
    shape: [length, 4],
    data: Float32Array.from(angles, compute),
  });
  const [cos, sin] = [table(Math.cos), table(Math.sin)];
  const { graph } = scopeOf();
  const tables = { cos: graph.input('cos', ['positions', 4]), sin: graph.input('sin', ['positions', 4]) };
  graph.output('y', rotaryEmbedding(graph, graph.input('x', ['b', 'l', heads * headSize]), tables, heads));
  const { data, shape } = await runOnce(runtime, graph, { x, cos, sin });
  expectSame({ data, shape }, reference.rotaryEmbedding(x, cos, sin, heads));
  expect(largestError(data.slice(0, 16), x.data.slice(0, 16))).toBeLessThan(1e-7); // position 0 does not turn
});
