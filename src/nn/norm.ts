/** Normalisations, each over the axes its PyTorch original uses. */
import { float } from '../onnx/attributes.ts';
import type { Value } from '../onnx/graph.ts';
import type { Scope } from './scope.ts';

/** LayerNorm over the last axis without parameters, biased variance. */
export function layerNorm({ graph }: Scope, x: Value, width: number, epsilon = 1e-6): Value {
  return graph.op.LayerNormalization(x, graph.constant(new Float32Array(width).fill(1)), {
    axis: -1,
    epsilon: float(epsilon),
  });
}

/** adaLN: LayerNorm(x) (1 + scale) + shift, with shift and scale broadcast against x. */
export function modulatedNorm(scope: Scope, x: Value, width: number, shift: Value, scale: Value): Value {
  const { op } = scope.graph;
  if (scope.relaxed) {
    const factor = op.Add(scale, scope.graph.constant(1));
    return op.LayerNormalization(x, factor, shift, { axis: -1, epsilon: float(1e-6) });
  }
  return op.Add(op.Mul(layerNorm(scope, x, width), op.Add(scale, scope.graph.constant(1))), shift);
}

/** RMSNorm over the last axis: u / sqrt(mean(u^2) + epsilon), times the weight. */
export function rmsNorm({ graph, weights }: Scope, x: Value, name: string, epsilon = 1e-6): Value {
  return graph.op.SimplifiedLayerNormalization(x, graph.weight(weights.get(`${name}.weight`)), {
    axis: -1,
    epsilon: float(epsilon),
  });
}

/**
 * GroupNorm over `[batch, channels, ...space]` with a weight and bias per channel. The statistics are those of an
 * InstanceNormalization over groups, the fastest form on every backend.
 */
export function groupNorm(
  { graph, weights }: Scope,
  x: Value,
  name: string,
  options: { groups: number; epsilon: number; rank: number },
): Value {
  const { op } = graph;
  const { groups, epsilon, rank } = options;
  const ones = graph.constant(new Float32Array(groups).fill(1));
  const zeros = graph.constant(new Float32Array(groups));
  const normalised = op.InstanceNormalization(op.Reshape(x, [0, groups, -1]), ones, zeros, {
    epsilon: float(epsilon),
  });
  const perChannel = (parameter: string): Value => {
    const weight = weights.get(`${name}.${parameter}`);
    return graph.weight(weight, [weight.shape[0]!, ...Array<number>(rank - 2).fill(1)]);
  };
  return op.Add(op.Mul(op.Reshape(normalised, op.Shape(x)), perChannel('weight')), perChannel('bias'));
}
