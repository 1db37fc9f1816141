/**
 * Linear maps in integers: what `linear` writes for a quantized precision.
 *
 * `rows` (CPU): x is divided by a scale per row and rounded to uint8 around a fixed zero, multiplied by int8 columns, and
 * the result multiplied by the row's scale; with one scale for a sample, all of it is a single operator per sample. Activations are
 * unsigned because signed ones are three times slower than float32 here; weights are signed, or unsigned around 128 where
 * the processor's products of signed ones saturate (`runtime/products.ts`). 4-bit weights become int8 when the session is
 * made. `blocks`: MatMulNBits, which quantizes activations per row and 128 channels itself; the only one that GPUs have
 * (not tested on one yet).
 */

import { QuantCacheError } from '../errors.ts';
import { inSlices } from '../nn/linear.ts';
import type { LinearWriter, Scope } from '../nn/scope.ts';
import { type ElementType, elementTypeCode, type Graph, type Value } from '../onnx/graph.ts';
import type { LinearLayer, LinearRole } from './layers.ts';
import { largestInteger, unsignedZero } from './quantize.ts';
import { blockSize, type IntegerKernel, type Recipe } from './recipe.ts';
import { rotateRows, rotationOf } from './rotation.ts';

/** The writer of linear layers whose weights were packed for a kernel by a recipe. */
export function integerLinear(recipe: Recipe, kernel: IntegerKernel, layers: readonly LinearLayer[]): LinearWriter {
  const roles = new Map(layers.map(({ name, role }) => [name, role]));
  const multiply = kernel === 'blocks' ? blocks : recipe.activations.granularity === 'sample' ? sample : rows;
  const write = (scope: Scope, x: Value, name: string, count: number): readonly Value[] => {
    const { inputs, outputs } = sizeOf(scope, name);
    return inSlices(scope, x, { inputs, outputs: outputs / count }, (inner, slice) => {
      const layer = layerFor(inner, { recipe, kernel, roles }, name);
      const turned = layer.rotation ? rotateRows(inner.graph, slice, layer.inputs, layer.rotation) : slice;
      return multiply(layer, turned, count);
    });
  };
  const whole: LinearWriter = (scope, x, name) => write(scope, x, name, 1)[0]!;
  return multiply === rows ? Object.assign(whole, { parts: write }) : whole;
}

/** Channels that go into a layer and come out of it. */
function sizeOf({ weights }: Scope, name: string): { inputs: number; outputs: number } {
  const [outputs, ...rest] = weights.get(`${name}.weight`).shape as [number, ...number[]];
  return { inputs: rest.reduce((size, n) => size * n, 1), outputs };
}

interface Layer {
  readonly graph: Graph;
  readonly scope: Scope;
  readonly recipe: Recipe;
  readonly kernel: IntegerKernel;
  readonly name: string;
  readonly role: LinearRole;
  readonly inputs: number;
  readonly outputs: number;
  readonly rotation: number | undefined;
  readonly bias: Value | undefined;
}

/** How layers are written, and what each of them does, by its full name. */
interface Writing {
  readonly recipe: Recipe;
  readonly kernel: IntegerKernel;
  readonly roles: ReadonlyMap<string, LinearRole>;
}

function layerFor(scope: Scope, { recipe, kernel, roles }: Writing, name: string): Layer {
  const { graph, weights } = scope;
  const role = roles.get(weights.get(`${name}.weight`).name.replace(/\.weight$/, ''))!;
  const { inputs, outputs } = sizeOf(scope, name);
  const bias = weights.has(`${name}.bias`) ? graph.weight(weights.get(`${name}.bias`)) : undefined;
  return {
    graph,
    scope,
    recipe,
    kernel,
    name,
    role,
    inputs,
    outputs,
    rotation: rotationOf(recipe, role, inputs),
    bias,
  };
}

/** One scale per row; the outputs in equal parts, which stay in cache better than the whole and need not be split. */
function rows(layer: Layer, x: Value, count: number): Value[] {
  const { graph, inputs, outputs, bias } = layer;
  const { op } = graph;
  const { zero, above } = levelsOf(layer);
  // Scale: the largest value reaches the top level, the smallest one the bottom level; never zero.
  const top = op.Mul(op.ReduceMax(x, [-1], { keepdims: 1 }), graph.constant(1 / above));
  const bottom = op.Mul(op.ReduceMin(x, [-1], { keepdims: 1 }), graph.constant(-1 / zero));
  const scale = op.Max(top, bottom, graph.constant(1e-20));
  const zeroPoint = byte(graph, zero);
  const zeroPoints = op.Expand(zeroPoint, op.Shape(scale));
  const levels = op.QuantizeLinear(x, scale, zeroPoints, { axis: 1, block_size: inputs });
  const weights = integerWeights(layer);
  const width = outputs / count;
  return Array.from({ length: count }, (_, part) => {
    const own = (columns: Value, axis: number) =>
      count === 1 ? columns : op.Slice(columns, [part * width], [(part + 1) * width], [axis]);
    const unit = graph.constant(1);
    const [integers, scales] = [own(weights.integers, 1), own(weights.scales, 0)];
    const product = graph.contrib.MatMulIntegerToFloat(levels, integers, unit, scales, zeroPoint, weights.zero);
    return withBias(layer, op.Mul(product, scale), bias && own(bias, 0));
  });
}

/** One scale for all rows, which must be those of one sample; its zero is where the smallest value wants it. */
function sample(layer: Layer, x: Value): Value[] {
  const { graph, recipe, name, bias } = layer;
  if (recipe.activations.bits !== 8) {
    const message = `${name} is to have one scale for all its inputs at ${recipe.activations.bits} bits; that takes 8. Use the granularity "token".`;
    throw new QuantCacheError('unsupported_precision', message);
  }
  const { integers, scales, zero } = integerWeights(layer);
  return [graph.contrib.DynamicQuantizeMatMul(x, integers, scales, zero, bias)];
}

/** A scalar of type uint8. */
const byte = (graph: Graph, value: number): Value =>
  graph.op.Cast(graph.constant(value), { to: elementTypeCode('uint8') });

const withBias = ({ graph }: Layer, product: Value, bias: Value | undefined): Value =>
  bias === undefined ? product : graph.op.Add(product, bias);

/** How many levels lie below zero, and how many above. */
function levelsOf({ recipe, role, rotation }: Layer): { zero: number; above: number } {
  const levels = 2 ** recipe.activations.bits;
  const oneSided = !rotation && recipe.activations.oneSided?.includes(role);
  return oneSided ? { zero: levels / 8, above: (levels * 7) / 8 - 1 } : { zero: levels / 2, above: levels / 2 - 1 };
}

/** Integers `[inputs, outputs]`, a scale per output, and the integer that means zero where it is not 0. */
interface IntegerWeights {
  readonly integers: Value;
  readonly scales: Value;
  readonly zero?: Value;
}

/** A layer's packed weights in 8 bits. From 4 bits they are computed when the session is made. */
function integerWeights(layer: Layer): IntegerWeights {
  const { graph, scope, recipe, kernel, name, inputs, outputs } = layer;
  const { op } = graph;
  const packed = scope.weights.get(`${name}.packed`);
  const scale = scope.weights.get(`${name}.scale`);
  const groups = scale.shape[0]!;
  const { bits } = recipe.weights;
  const to = (type: ElementType) => ({ to: elementTypeCode(type) });
  const stored = bits === 4 ? graph.nibbles(packed, [inputs, outputs]) : graph.rawWeight(packed, [inputs, outputs]);
  const unsigned = kernel === 'unsigned-rows' && { zero: byte(graph, unsignedZero) };
  if (groups === 1) {
    const scales = graph.rawWeight(scale, [outputs]);
    // Two products of 4-bit weights never reach the end of 16 bits: they stay signed.
    return bits === 4 ? { integers: op.Cast(stored, to('int8')), scales } : { integers: stored, scales, ...unsigned };
  }
  // Groups: the coarsest group of a column keeps the column's 127 levels, finer ones use fewer of them.
  const grouped = graph.rawWeight(scale, [groups, 1, outputs]);
  const limit = largestInteger(bits) / largestInteger(8);
  const columns = op.Mul(op.ReduceMax(grouped, [0], { keepdims: 1 }), graph.constant(limit));
  const zero = graph.constant(unsignedZero);
  const signed = unsigned && bits === 8 ? op.Sub(op.Cast(stored, to('float32')), zero) : op.Cast(stored, to('float32'));
  const values = op.Reshape(signed, [groups, inputs / groups, outputs]);
  const rounded = op.Round(op.Mul(values, op.Div(grouped, columns)));
  const integers = unsigned ? op.Cast(op.Add(rounded, zero), to('uint8')) : op.Cast(rounded, to('int8'));
  return { integers: op.Reshape(integers, [inputs, outputs]), scales: op.Reshape(columns, [outputs]), ...unsigned };
}

/** A scale per row and block of channels. */
function blocks(layer: Layer, x: Value): Value[] {
  const { graph, scope, recipe, name, inputs, outputs, bias } = layer;
  const { weights, activations } = recipe;
  if (inputs % blockSize !== 0 || activations.bits !== 8) {
    const message = `${name} takes ${inputs} inputs at ${activations.bits} bits; the block kernel of GPUs and group-wise recipes takes multiples of ${blockSize} at 8 bits. Use fp32 for it.`;
    throw new QuantCacheError('unsupported_precision', message);
  }
  const packed = graph.rawWeight(scope.weights.get(`${name}.packed`));
  const scales = graph.rawWeight(scope.weights.get(`${name}.scale`));
  const sizes = { K: inputs, N: outputs, bits: weights.bits, block_size: blockSize };
  const product = graph.contrib.MatMulNBits(x, packed, scales, { ...sizes, accuracy_level: 4 });
  return [withBias(layer, product, bias)];
}
