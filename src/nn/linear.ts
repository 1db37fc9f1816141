/** Linear maps in float32 and the multi-layer perceptrons made of them. Weights are `[outputs, inputs]` as in PyTorch. */
import { float } from '../onnx/attributes.ts';
import { type ElementType, elementTypeCode, type Graph, type Value } from '../onnx/graph.ts';
import type { Dtype } from '../weights/dtypes.ts';
import type { LinearWriter, Scope } from './scope.ts';

/**
 * y = x W^T + b in float32 for `[rows, inputs]`. `Gemm` takes the weight as PyTorch stores it, so that nothing is copied; large
 * ones in 16 bits are widened some outputs at a time.
 */
export const linearFp32: LinearWriter = ({ graph, weights }, x, name) => {
  const weight = weights.get(`${name}.weight`);
  const outputs = weight.shape[0]!;
  const inputs = weight.shape.slice(1).reduce((size, n) => size * n, 1);
  const bias = weights.has(`${name}.bias`) ? graph.weight(weights.get(`${name}.bias`)) : undefined;
  const half = halves[weight.dtype];
  const slices = half ? wideningSlices(outputs, inputs) : 1;
  if (slices === 1) return gemm(graph, x, graph.weight(weight, [outputs, inputs]), bias);
  const stored = graph.rawWeight(weight, [slices, outputs / slices, inputs]);
  const { y } = graph.scan(
    { stored },
    (body, { stored: some }) => ({ y: gemm(body, x, body.op.Cast(some, { to: elementTypeCode('float32') })) }),
    half && { stored: half },
  );
  const joined = graph.op.Reshape(graph.op.Transpose(y, { perm: [1, 0, 2] }), [-1, outputs]);
  return bias === undefined ? joined : graph.op.Add(joined, bias);
};

const halves: Partial<Record<Dtype, ElementType>> = { F16: 'float16', BF16: 'bfloat16' };

const gemm = (graph: Graph, x: Value, matrix: Value, bias?: Value): Value =>
  graph.op.Gemm(x, matrix, bias, { transB: 1, alpha: float(1), beta: float(1) });

/** The most bytes that are widened at once: the system keeps such blocks when they are freed, and fresh ones cost most of the time. */
const mostWidened = 24 * 2 ** 20;

/** The fewest equal parts of the outputs that are small enough; 1 where there are none. */
function wideningSlices(outputs: number, inputs: number): number {
  const least = Math.ceil((outputs * inputs * Float32Array.BYTES_PER_ELEMENT) / mostWidened);
  for (let slices = least; slices <= 8 * least; slices++) if (outputs % slices === 0) return slices;
  return 1;
}

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
