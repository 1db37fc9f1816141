/**
 * Scaled dot-product attention over `[batch, length, heads * headSize]` values, in the form that a backend runs best.
 *
 * - `flash`: ONNX Runtime's MultiHeadAttention, which never forms the score matrix;
 * - `standard`: the ONNX Attention operator (opset 23), faster for short sequences on the CPU;
 * - `plain`: MatMul, Softmax, MatMul, right on every WebGPU driver.
 */
import { float } from '../onnx/attributes.ts';
import type { Graph, Value } from '../onnx/graph.ts';
import type { AttentionKernel } from '../runtime/runtime.ts';

/** The opset a graph needs to hold attention of this kernel. */
export const attentionOpset = (kernel: AttentionKernel): number => (kernel === 'standard' ? 23 : 21);

export interface AttentionOptions {
  heads: number;
  headSize: number;
  kernel: AttentionKernel;
  /** Factor on q k^T; 1/sqrt(headSize) by default. */
  scale?: number;
  /** Added to the scores, `[batch or 1, heads or 1, queries, keys]`. */
  bias?: Value;
}

/** softmax(scale q k^T + bias) v, heads concatenated. */
export function attention(graph: Graph, q: Value, k: Value, v: Value, options: AttentionOptions): Value {
  const { heads, headSize, kernel, bias } = options;
  const scale = options.scale ?? 1 / Math.sqrt(headSize);
  if (kernel === 'flash') {
    return graph.contrib.MultiHeadAttention(q, k, v, undefined, undefined, bias, {
      num_heads: heads,
      scale: float(scale),
    });
  }
  if (kernel === 'standard') {
    return graph.op.Attention(q, k, v, bias, { q_num_heads: heads, kv_num_heads: heads, scale: float(scale) });
  }
  const { op } = graph;
  const split = (x: Value, permutation: number[]) =>
    op.Transpose(op.Reshape(x, [0, 0, heads, headSize]), { perm: permutation });
  const scores = op.MatMul(op.Mul(split(q, [0, 2, 1, 3]), graph.constant(scale)), split(k, [0, 2, 3, 1]));
  const weights = op.Softmax(bias === undefined ? scores : op.Add(scores, bias), { axis: -1 });
  const mixed = op.Transpose(op.MatMul(weights, split(v, [0, 2, 1, 3])), { perm: [0, 2, 1, 3] });
  return op.Reshape(mixed, [0, 0, heads * headSize]);
}

/**
 * Rotary position embedding of `[batch, length, heads * headSize]` with interleaved pairs:
 * out[2i] = u[2i] cos - u[2i+1] sin, out[2i+1] = u[2i+1] cos + u[2i] sin. The tables are `[positions, headSize / 2]`.
 */
export function rotaryEmbedding(graph: Graph, x: Value, tables: { cos: Value; sin: Value }, heads: number): Value {
  return graph.contrib.RotaryEmbedding(x, [0], tables.cos, tables.sin, { interleaved: 1, num_heads: heads });
}
