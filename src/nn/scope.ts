/**
 * Where a layer is written: the graph it goes into, the weights it may name, and how its linear maps are written.
 * Precision is that last choice: `fp32` here, the integer forms in `quantization/`.
 */
import type { Graph, Value } from '../onnx/graph.ts';
import type { Weights } from '../weights/checkpoint.ts';

/** Writes y = x W^T + b for a `[rows, inputs]` value; `name` finds `name.weight` and, where there is one, `name.bias`. */
export interface LinearWriter {
  (scope: Scope, x: Value, name: string): Value;
  /** The outputs in equal parts, for writers that make parts for less than a whole that is split afterwards. */
  parts?(scope: Scope, x: Value, name: string, count: number): readonly Value[];
}

export interface Scope {
  readonly graph: Graph;
  readonly weights: Weights;
  readonly linear: LinearWriter;
  /** The result need not be float32's to the last bit: faster forms of other layers may be chosen. */
  readonly relaxed?: boolean;
  /** Slices of rows that a long chain of layers is computed in, one after the other, so that they stay in cache. */
  readonly slices?: number;
}

/** The same scope with weight names below a prefix: `within(scope, 'attn')` finds `attn.qkv.weight` as `qkv.weight`. */
export const within = (scope: Scope, prefix: string): Scope => ({ ...scope, weights: scope.weights.scope(prefix) });
