import { beforeAll, expect, test } from 'vitest';
import { Graph } from '../onnx/graph.ts';
import { createRuntime } from './node.ts';
import type { Runtime, Session, Tensor } from './runtime.ts';

let runtime: Runtime;
let double: Session;

beforeAll(async () => {
  runtime = await createRuntime();
  const graph = new Graph('double');
  const x = graph.input('x', ['n']);
  graph.output('y', graph.op.Add(x, x));
  double = await runtime.compile(graph.build());
});

const run = async (...values: number[]): Promise<Tensor> =>
  (await double.run({ x: runtime.tensor(Float32Array.from(values), [values.length]) })).y!;
const numbers = async (tensor: Tensor) => [...(await runtime.read(tensor))];

test('tensors that are alive keep their numbers', async () => {
  const tensors = [];
  for (let i = 0; i < 20; i++) tensors.push(await run(i, i + 1));
  for (const [i, tensor] of tensors.entries()) expect(await numbers(tensor)).toEqual([2 * i, 2 * i + 2]);
});

test('numbers that were read outlive the tensor', async () => {
  // The first outputs of a size are ONNX Runtime's own; memory that is used again begins with the second.
  (await run(0, 0, 0)).dispose();
  const first = await run(1, 2, 3);
  const data = await runtime.read(first);
  first.dispose();
  for (let i = 0; i < 20; i++) (await run(7, 8, 9)).dispose();
  expect([...data]).toEqual([2, 4, 6]);
});

test('memory of tensors that nobody read is used again', async () => {
  (await run(0, 0)).dispose();
  const unread = await run(1, 2);
  const { buffer } = (unread as unknown as { data: Float32Array }).data;
  unread.dispose();
  expect((await runtime.read(await run(7, 8))).buffer).toBe(buffer);
});

test('a tensor disposed of twice gives its memory back once', async () => {
  (await run(1, 2, 3, 4)).dispose();
  const tensor = await run(1, 2, 3, 4);
  tensor.dispose();
  tensor.dispose();
  const [a, b] = [await run(1, 1, 1, 1), await run(2, 2, 2, 2)];
  expect(await numbers(a)).toEqual([2, 2, 2, 2]);
  expect(await numbers(b)).toEqual([4, 4, 4, 4]);
});

test('other sizes of the same graph get outputs of their own size', async () => {
  expect(await numbers(await run(1))).toEqual([2]);
  expect(await numbers(await run(1, 2, 3, 4, 5))).toEqual([2, 4, 6, 8, 10]);
  expect(await numbers(await run(4))).toEqual([8]);
});
