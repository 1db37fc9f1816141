/**
 * Block-diagonal Hadamard rotation: (X H)(H^T W) = X W, with outlier channels spread over all channels of their block.
 *
 * H is the Sylvester matrix over sqrt(size): symmetric and its own inverse, so the same turn serves both sides.
 * Reference: QuaRot, arXiv 2404.00456; the block form is that of ConvRot.
 */
import type { Graph, Value } from '../onnx/graph.ts';
import type { LinearRole } from './layers.ts';
import type { Matrix } from './quantize.ts';
import type { Recipe } from './recipe.ts';

/** The block size that a recipe turns a layer's input by, or undefined. Channels must come in whole blocks. */
export function rotationOf({ rotation }: Recipe, role: LinearRole, inputs: number): number | undefined {
  return rotation?.layers.includes(role) && inputs % rotation.size === 0 ? rotation.size : undefined;
}

/** The Hadamard matrix of a power of two, row by row, orthonormal. */
export function hadamard(size: number): Float32Array {
  const matrix = new Float32Array(size * size);
  const value = 1 / Math.sqrt(size);
  for (let row = 0; row < size; row++)
    for (let column = 0; column < size; column++) matrix[row * size + column] = parity(row & column) ? -value : value;
  return matrix;
}

const parity = (bits: number): boolean => {
  let odd = false;
  for (let rest = bits; rest; rest &= rest - 1) odd = !odd;
  return odd;
};

/** The matrix with every block of its input channels turned; a fast Walsh-Hadamard transform per row and block. */
export function rotateMatrix({ data, outputs, inputs }: Matrix, size: number): Matrix {
  const turned = data.slice();
  const norm = 1 / Math.sqrt(size);
  for (let start = 0; start < turned.length; start += size) {
    for (let half = 1; half < size; half *= 2)
      for (let i = start; i < start + size; i += 2 * half)
        for (let k = i; k < i + half; k++) {
          const a = turned[k]!;
          const b = turned[k + half]!;
          turned[k] = a + b;
          turned[k + half] = a - b;
        }
    for (let k = start; k < start + size; k++) turned[k]! *= norm;
  }
  return { data: turned, outputs, inputs };
}

/** The same turn of `[rows, inputs]` in a graph. */
export function rotateRows(graph: Graph, x: Value, inputs: number, size: number): Value {
  const { op } = graph;
  const blocks = op.Reshape(x, [-1, size]);
  return op.Reshape(op.MatMul(blocks, graph.constant(hadamard(size), [size, size])), [-1, inputs]);
}
