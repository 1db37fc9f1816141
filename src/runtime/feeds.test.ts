import { expect, test } from 'vitest';
import { Graph } from '../onnx/graph.ts';
import { checkFeeds } from './feeds.ts';

const graph = new Graph('sums');
for (const [name, shape] of [
  ['x', ['batch', 'rows', 4]],
  ['y', ['batch', 1, 4]],
] as const)
  graph.input(name, shape);
graph.input('anything');
graph.output('z', graph.op.Add('x' as never, 'y' as never));
const model = graph.build();
const tensor = (...dims: number[]) => ({ dims, type: 'float32', dispose() {} });

test('one name is one size', () => {
  checkFeeds(model, { x: tensor(3, 7, 4), y: tensor(3, 1, 4), anything: tensor(9) });
  expect(() => checkFeeds(model, { x: tensor(3, 7, 4), y: tensor(1, 1, 4) })).toThrow(
    'The graph "sums" got inputs that it does not declare: "batch" is 3 in x and 1 in y.',
  );
});

test('numbers and ranks are as declared', () => {
  expect(() => checkFeeds(model, { x: tensor(3, 7, 5) })).toThrow('axis 2 of x is 5, not 4');
  expect(() => checkFeeds(model, { x: tensor(3, 4) })).toThrow('x has 2 axes, not 3');
});
