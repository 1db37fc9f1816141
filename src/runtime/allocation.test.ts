/** Memory that runs out is said in words that help, whoever ran out of it. */
import { expect, test } from 'vitest';
import { QuantCacheError } from '../errors.ts';
import { Graph } from '../onnx/graph.ts';
import { allocationError } from './allocation.ts';
import { createRuntime } from './node.ts';

test('a session that asks for more than there is', async () => {
  await using runtime = await createRuntime({ threads: 1 });
  const graph = new Graph('expanding');
  graph.output('y', graph.op.ReduceMax(graph.op.Expand(graph.input('x', [1]), [2 ** 25, 2 ** 25]), [0]));
  const session = await runtime.compile(graph.build());
  const run = session.run({ x: runtime.tensor(Float32Array.of(1), [1]) });
  await expect(run).rejects.toMatchObject({ code: 'out_of_memory', message: expect.stringMatching(/smaller size/) });
  await session.dispose();
});

test('an array of our own', () => {
  const tooLarge = () => new Float32Array(2 ** 40);
  try {
    tooLarge();
  } catch (error) {
    expect(allocationError(error)).toBe(error); // an impossible length is a mistake of ours, not too little memory
  }
  expect(allocationError(new RangeError('Array buffer allocation failed'))).toBeInstanceOf(QuantCacheError);
});

test('other errors stay what they are', () => {
  const other = new Error('no such node');
  expect(allocationError(other)).toBe(other);
});
