/** Convolutions with weights and biases named as in PyTorch, and nearest-neighbour upsampling. */
import type { Value } from '../onnx/graph.ts';
import type { Scope } from './scope.ts';

export interface ConvolutionOptions {
  strides?: readonly number[];
  /** ONNX order: all begins, then all ends. */
  pads?: readonly number[];
}

/** A 2-D or 3-D convolution, by the rank of its weight; the bias is optional. */
export function convolution(
  { graph, weights }: Scope,
  x: Value,
  name: string,
  options: ConvolutionOptions = {},
): Value {
  const weight = weights.get(`${name}.weight`);
  const bias = weights.has(`${name}.bias`) ? graph.weight(weights.get(`${name}.bias`)) : undefined;
  const attributes = {
    kernel_shape: weight.shape.slice(2),
    strides: options.strides ?? weight.shape.slice(2).map(() => 1),
    pads: options.pads ?? [...weight.shape.slice(2), ...weight.shape.slice(2)].map((size) => (size - 1) / 2),
  };
  return graph.op.Conv(x, graph.weight(weight), bias, attributes);
}

/** Doubles height and width of `[batch, channels, height, width]` by repeating pixels. */
export function upsampleNearest({ graph }: Scope, x: Value): Value {
  const scales = graph.constant(Float32Array.of(1, 1, 2, 2));
  return graph.op.Resize(x, undefined, scales, {
    mode: 'nearest',
    coordinate_transformation_mode: 'asymmetric',
    nearest_mode: 'floor',
  });
}
