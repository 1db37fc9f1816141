/** Linear maps in float32 and the multi-layer perceptrons made of them. Weights are `[outputs, inputs]` as in PyTorch. */
import { float } from '../onnx/attributes.ts';
import type { Value } from '../onnx/graph.ts';
import type { LinearWriter, Scope } from './scope.ts';

/** y = x W^T + b in float32 for `[rows, inputs]`. `Gemm` takes the weight as PyTorch stores it, so nothing is copied. */
export const linearFp32: LinearWriter = ({ graph, weights }, x, name) => {
  const weight = weights.get(`${name}.weight`);
  const matrix = graph.weight(weight, [weight.shape[0]!, weight.shape.slice(1).reduce((size, n) => size * n, 1)]);
  const bias = weights.has(`${name}.bias`) ? graph.weight(weights.get(`${name}.bias`)) : undefined;
  return graph.op.Gemm(x, matrix, bias, { transB: 1, alpha: float(1), beta: float(1) });
};

/** Applies a `[rows, channels]` layer to the last axis of a value of any rank. */
export function overRows({ graph }: Scope, x: Value, width: number, layer: (rows: Value) => Value): Value {
  const leading = graph.op.Shape(x, { start: 0, end: -1 });
  const rows = layer(graph.op.Reshape(x, [-1, width]));
  return graph.op.Reshape(rows, graph.op.Concat(leading, [-1], { axis: 0 }));
}

/**
 * A layer, or a chain of them, of `[rows, inputs]` in slices of rows where the scope asks for them; they must divide the
 * rows. Memory for a slice at a time: on a CPU, large tensors cost more in page faults than in arithmetic. The layer may
 * give several results, all of `[rows, outputs]`.
 */
export function inSlices(
  scope: Scope,
  x: Value,
  widths: { inputs: number; outputs: number },
  layer: (scope: Scope, rows: Value) => readonly Value[],
): readonly Value[] {
  const { slices = 1, graph } = scope;
  if (slices === 1) return layer(scope, x);
  const sliced = graph.op.Reshape(x, [slices, -1, widths.inputs]);
  const results = graph.scan({ sliced }, (body, { sliced: rows }) =>
    Object.fromEntries(layer({ ...scope, graph: body, slices: 1 }, rows).entries()),
  );
  return Object.values(results).map((result) => graph.op.Reshape(result, [-1, widths.outputs]));
}

/** A linear layer of `[rows, inputs]` whose outputs are needed in equal parts, such as query, key and value. */
export function linearParts(scope: Scope, x: Value, name: string, count: number): readonly Value[] {
  return (
    scope.linear.parts?.(scope, x, name, count) ??
    scope.graph.node('Split', [scope.linear(scope, x, name)], { axis: 1, num_outputs: count }, count)
  );
}

/** GELU, tanh approximation: u/2 (1 + tanh(sqrt(2/pi) (u + 0.044715 u^3))). */
export const gelu = ({ graph }: Scope, x: Value): Value => graph.op.Gelu(x, { approximate: 'tanh' });

/** SiLU: u sigmoid(u). */
export const silu = ({ graph }: Scope, x: Value): Value => graph.op.Mul(x, graph.op.Sigmoid(x));

/** Two linear maps with an activation between them, on `[rows, inputs]`. */
export function perceptron(
  scope: Scope,
  x: Value,
  names: [string, string],
  activation: (scope: Scope, x: Value) => Value,
): Value {
  return scope.linear(scope, activation(scope, scope.linear(scope, x, names[0])), names[1]);
}
