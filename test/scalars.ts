/**
 * Support for tests of the loop and of policies: tensors of a few numbers that know whether they were freed, arithmetic on
 * them in plain JavaScript, small trees. No session is compiled.
 */
import { type Level, type Node, treeOf } from '../src/model.ts';
import type { Leap, RunContext, Site } from '../src/policy.ts';
import type { Arithmetic } from '../src/runtime/arithmetic.ts';
import type { Tensor } from '../src/runtime/runtime.ts';
import { createRunState } from '../src/state.ts';

/** Numbers in memory, as a tensor. */
export interface Numbers extends Tensor {
  readonly values: readonly number[];
  /** How often it was disposed of. */
  readonly disposed: number;
}

/** A tensor of some numbers, by default with one dimension. */
export function numbers(values: readonly number[], dims: readonly number[] = [values.length]): Numbers {
  let disposed = 0;
  return {
    values,
    dims,
    type: 'float32',
    get disposed() {
      return disposed;
    },
    dispose() {
      disposed++;
    },
  };
}

/** The numbers of such a tensor. */
export const valuesOf = (tensor: Tensor): readonly number[] => (tensor as Numbers).values;

const norm = (values: readonly number[]) => Math.hypot(...values);
const sumOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);
const zip = (a: Tensor, b: Tensor, join: (x: number, y: number) => number) =>
  valuesOf(a).map((value, i) => join(value, valuesOf(b)[i]!));
const l1 = (values: readonly number[]) => sumOf(values.map(Math.abs));

/** Arithmetic on such tensors, where a tensor is one row; `frameDifference` takes neighbouring numbers for frames. */
export const scalarArithmetic: Arithmetic = {
  add: async (a, b) =>
    numbers(
      zip(a, b, (x, y) => x + y),
      a.dims,
    ),
  subtract: async (a, b) =>
    numbers(
      zip(a, b, (x, y) => x - y),
      a.dims,
    ),
  combine: async (terms) =>
    numbers(
      valuesOf(terms[0]!.tensor).map((_, i) => sumOf(terms.map(({ tensor, weight }) => weight * valuesOf(tensor)[i]!))),
      terms[0]!.tensor.dims,
    ),
  relativeL1: async (a, b) => l1(zip(a, b, (x, y) => x - y)) / l1(valuesOf(b)),
  meanAbsolute: async (a, b) => l1(b ? zip(a, b, (x, y) => x - y) : valuesOf(a)) / valuesOf(a).length,
  meanSquare: async (a) => norm(valuesOf(a)) ** 2 / valuesOf(a).length,
  cosine: async (a, b) => sumOf(zip(a, b, (x, y) => x * y)) / (norm(valuesOf(a)) * norm(valuesOf(b))),
  magnitudeRatio: async (a, b) => norm(valuesOf(a)) / norm(valuesOf(b)),
  async frameDifference(a, stride) {
    const later = numbers(valuesOf(a).slice(stride));
    return l1(zip(later, a, (x, y) => x - y)) / l1(zip(later, a, (x, y) => Math.abs(x) + Math.abs(y)));
  },
  dispose: async () => {},
};

/** Where a leap on such tensors leads to: parts of an output lie one behind the other. */
export const scalarLeap = async ({ latents, outputs }: Leap): Promise<Tensor> =>
  numbers(
    valuesOf(latents.tensor).map((value, i, { length }) =>
      outputs.reduce(
        (sum, { tensor, weights }) =>
          weights.reduce((part, weight, j) => part + weight * valuesOf(tensor)[j * length + i]!, sum),
        latents.weight * value,
      ),
    ),
    latents.tensor.dims,
  );

const node = (path: string, level: Level, kind: string, index: number, children?: readonly Node[]): Node => ({
  path,
  level,
  kind,
  index,
  ...(children && { children }),
});

/** Blocks of two modules each, alternately spatial and temporal: `block.0` holds `block.0.attn` and `block.0.mlp`. */
export const smallBlocks = (count: number): Node[] =>
  Array.from({ length: count }, (_, i) => {
    const space = i % 2 === 0;
    const index = Math.floor(i / 2);
    return node(`block.${i}`, 'block', space ? 'spatial-block' : 'temporal-block', index, [
      node(`block.${i}.attn`, 'module', space ? 'spatial-attention' : 'temporal-attention', index),
      node(`block.${i}.mlp`, 'module', 'feed-forward', index),
    ]);
  });

/** What a run of so many steps begins with, over so many blocks. */
export function contextOf(numSteps: number, numBlocks = 4, changes: Partial<RunContext> = {}): RunContext {
  return {
    numSteps,
    timesteps: Array.from({ length: numSteps }, (_, step) => 1000 * (1 - step / numSteps)),
    tree: treeOf(smallBlocks(numBlocks)),
    leap: scalarLeap,
    guidanceScale: 1,
    arithmetic: scalarArithmetic,
    state: createRunState(),
    measure() {},
    warn() {},
    ...changes,
  };
}

/** A node at a step, with a hidden state. */
export const siteOf = (where: Node, step: number, hidden: Tensor = numbers([1])): Site => ({
  node: where,
  step,
  timestep: 1000 - step,
  hidden,
  signal: async () => hidden,
});
