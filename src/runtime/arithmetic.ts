/**
 * Sums and comparisons of whole tensors, as graphs that run where the tensors are; of a comparison only a scalar comes
 * back. This is all the arithmetic that policies and samplers need.
 */
import { Graph, type Model, type Value } from '../onnx/graph.ts';
import type { Runtime, Tensor } from './runtime.ts';
import { sessionCache } from './sessions.ts';

export interface Arithmetic {
  /** a + b. */
  add(a: Tensor, b: Tensor): Promise<Tensor>;
  /** a - b. */
  subtract(a: Tensor, b: Tensor): Promise<Tensor>;
  /** Sum of |a - b| over sum of |b|. */
  relativeL1(a: Tensor, b: Tensor): Promise<number>;
  dispose(): Promise<void>;
}

/** Arithmetic on a runtime's device. */
export function createArithmetic(runtime: Runtime): Arithmetic {
  const sessions = sessionCache(runtime);
  const binary = async (
    name: string,
    write: (graph: Graph, a: Value, b: Value) => Value,
    a: Tensor,
    b: Tensor,
  ): Promise<Tensor> => {
    const session = await sessions.get(name, () => binaryGraph(name, write));
    return (await session.run({ a, b })).y!;
  };
  return {
    add: (a, b) => binary('add', (graph, x, y) => graph.op.Add!(x, y), a, b),
    subtract: (a, b) => binary('subtract', (graph, x, y) => graph.op.Sub!(x, y), a, b),
    async relativeL1(a, b) {
      const result = await binary('relativeL1', relativeL1, a, b);
      const value = (await runtime.read(result))[0]!;
      result.dispose();
      return value;
    },
    dispose: () => sessions.release(),
  };
}

function relativeL1(graph: Graph, a: Value, b: Value): Value {
  const l1 = (x: Value) => graph.op.ReduceSum!(graph.op.Abs!(x), { keepdims: 0 });
  return graph.op.Div!(l1(graph.op.Sub!(a, b)), l1(b));
}

function binaryGraph(name: string, write: (graph: Graph, a: Value, b: Value) => Value): Model {
  const graph = new Graph(name);
  graph.output('y', write(graph, graph.input('a'), graph.input('b')));
  return graph.build();
}
