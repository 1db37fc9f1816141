/** The Gaussian that an encoder predicts for its latents, and a sample of it. Reference: DiagonalGaussianDistribution. */
import type { Graph, Value } from '../../../onnx/graph.ts';

/** Mean, log-variance and sample, each with half the channels of the encoder's output. */
export interface Posterior {
  mean: Value;
  logvar: Value;
  sample: Value;
}

/** Splits `[batch, 2 * channels, ...]` into mean and logvar; sample = mean + exp(clamp(logvar, -30, 20) / 2) noise. */
export function posterior(graph: Graph, moments: Value, noise: Value): Posterior {
  const { op } = graph;
  const [mean, logvar] = graph.node('Split', [moments], { axis: 1, num_outputs: 2 }, 2) as [Value, Value];
  const clamped = op.Clip(logvar, graph.constant(-30), graph.constant(20));
  const deviation = op.Exp(op.Mul(clamped, graph.constant(0.5)));
  return { mean, logvar, sample: op.Add(mean, op.Mul(deviation, noise)) };
}
