/**
 * Sums and comparisons of whole tensors, as graphs that run where the tensors are; of a comparison only a scalar comes
 * back. This is all the arithmetic that policies and samplers need.
 */
import { Graph, type Value } from '../onnx/graph.ts';
import type { Runtime, Tensor } from './runtime.ts';
import { sessionCache } from './sessions.ts';

/** A tensor in a weighted sum. */
export interface Term {
  readonly tensor: Tensor;
  readonly weight: number;
}

export interface Arithmetic {
  /** a + b. */
  add(a: Tensor, b: Tensor): Promise<Tensor>;
  /** a - b. */
  subtract(a: Tensor, b: Tensor): Promise<Tensor>;
  /** The weighted sum of at least one term, all of one shape. */
  combine(terms: readonly Term[]): Promise<Tensor>;
  /** Sum of |a - b| over sum of |b|. */
  relativeL1(a: Tensor, b: Tensor): Promise<number>;
  /** Mean of |a|, or of |a - b|. */
  meanAbsolute(a: Tensor, b?: Tensor): Promise<number>;
  /** Mean of a * a. */
  meanSquare(a: Tensor): Promise<number>;
  /** Cosine of the angle between a and b, all elements taken as one vector. */
  cosine(a: Tensor, b: Tensor): Promise<number>;
  /** Mean over rows of the last axis of |a| / |b|, in the Euclidean norm. */
  magnitudeRatio(a: Tensor, b: Tensor): Promise<number>;
  /** How much frames `stride` apart differ, in [0, 1]: sum of |later - earlier| over sum of |later| + |earlier|, frames on axis 1. */
  frameDifference(a: Tensor, stride: number): Promise<number>;
  dispose(): Promise<void>;
}

/** Arithmetic on a runtime's device. */
export function createArithmetic(runtime: Runtime): Arithmetic {
  const sessions = sessionCache(runtime);
  const run = async (
    name: string,
    write: (graph: Graph, ...inputs: Value[]) => Value,
    inputs: readonly Tensor[],
  ): Promise<Tensor> => {
    const session = await sessions.get(name, () => {
      const graph = new Graph(name);
      graph.output('y', write(graph, ...inputs.map((_, i) => graph.input(`x${i}`))));
      return graph.build();
    });
    return (await session.run(Object.fromEntries(inputs.map((tensor, i) => [`x${i}`, tensor])))).y!;
  };
  const scalar = async (...args: Parameters<typeof run>): Promise<number> => {
    const result = await run(...args);
    const value = (await runtime.read(result))[0]!;
    result.dispose();
    return value;
  };
  return {
    add: (a, b) => run('add', ({ op }, x, y) => op.Add(x, y), [a, b]),
    subtract: (a, b) => run('subtract', ({ op }, x, y) => op.Sub(x, y), [a, b]),
    combine(terms) {
      const weights = terms.map((term) => weightTensor(runtime, term));
      return run(`combine ${terms.length}`, weightedSum, [...terms.map(({ tensor }) => tensor), ...weights]);
    },
    relativeL1: (a, b) =>
      scalar(
        'relativeL1',
        (graph, x, y) => graph.op.Div(sumAbsolute(graph, graph.op.Sub(x, y)), sumAbsolute(graph, y)),
        [a, b],
      ),
    meanAbsolute: (a, b) =>
      b
        ? scalar('meanAbsolute of difference', ({ op }, x, y) => op.ReduceMean(op.Abs(op.Sub(x, y)), { keepdims: 0 }), [
            a,
            b,
          ])
        : scalar('meanAbsolute', ({ op }, x) => op.ReduceMean(op.Abs(x), { keepdims: 0 }), [a]),
    meanSquare: (a) => scalar('meanSquare', ({ op }, x) => op.ReduceMean(op.Mul(x, x), { keepdims: 0 }), [a]),
    cosine: (a, b) => scalar('cosine', cosine, [a, b]),
    magnitudeRatio: (a, b) => scalar('magnitudeRatio', magnitudeRatio, [a, b]),
    frameDifference: (a, stride) =>
      scalar(`frameDifference ${stride}`, (graph, x) => frameDifference(graph, x, stride), [a]),
    dispose: () => sessions.dispose(),
  };
}

/** A scalar for one weight; for a list, one number per row of the tensor's batch, whose equal parts have a weight each. */
export function weightTensor(
  runtime: Runtime,
  { tensor, weight }: { readonly tensor: Tensor; readonly weight: number | readonly number[] },
): Tensor {
  if (typeof weight === 'number') return runtime.tensor(Float32Array.of(weight), []);
  const [rows, ...rest] = tensor.dims;
  const perRow = Float32Array.from({ length: rows! }, (_, row) => weight[Math.floor((row * weight.length) / rows!)]!);
  return runtime.tensor(perRow, [rows!, ...rest.map(() => 1)]);
}

const sumAbsolute = ({ op }: Graph, x: Value): Value => op.ReduceL1(x, { keepdims: 0 });

/** The tensors come first, their weights after them. */
function weightedSum({ op }: Graph, ...inputs: Value[]): Value {
  const count = inputs.length / 2;
  return inputs
    .slice(0, count)
    .map((x, i) => op.Mul(x, inputs[count + i]!))
    .reduce((sum, term) => op.Add(sum, term));
}

function cosine({ op }: Graph, x: Value, y: Value): Value {
  const dot = (a: Value, b: Value) => op.ReduceSum(op.Mul(a, b), { keepdims: 0 });
  return op.Div(dot(x, y), op.Sqrt(op.Mul(dot(x, x), dot(y, y))));
}

function magnitudeRatio({ op }: Graph, x: Value, y: Value): Value {
  const norms = (a: Value) => op.ReduceL2(a, [-1]);
  return op.ReduceMean(op.Div(norms(x), norms(y)), { keepdims: 0 });
}

function frameDifference(graph: Graph, x: Value, stride: number): Value {
  const { op } = graph;
  const later = op.Slice(x, [stride], [Number.MAX_SAFE_INTEGER], [1]);
  const earlier = op.Slice(x, [0], [-stride], [1]);
  const size = op.Add(sumAbsolute(graph, later), sumAbsolute(graph, earlier));
  return op.Div(sumAbsolute(graph, op.Sub(later, earlier)), size);
}
