/**
 * Smoothing: channels whose activations are large are divided by a factor, and the weights that meet them multiplied by
 * it, so that both are easy to quantize. After an adaptive norm the division costs nothing, as it is folded into the
 * norm's scale and shift: LN(x) (1 + scale) / s + shift / s. Reference: SmoothQuant, arXiv 2211.10438, equation 4.
 */
import { QuantCacheError } from '../errors.ts';
import type { LinearLayer } from './layers.ts';
import type { Matrix } from './quantize.ts';
import type { Recipe } from './recipe.ts';

/** Largest absolute input per channel, by the full name of the linear layer. `activations.ts` collects them. */
export type ActivationMaxima = ReadonlyMap<string, Float32Array>;

/** What each input channel of a layer is divided by: max|X|^alpha / max|W|^(1 - alpha), or undefined. */
export function smoothingOf(
  { smoothing }: Recipe,
  { name, role }: LinearLayer,
  matrix: Matrix,
  maxima: ActivationMaxima | undefined,
): Float32Array | undefined {
  if (!smoothing?.layers.includes(role)) return undefined;
  const activations = maxima?.get(name);
  if (activations?.length !== matrix.inputs) {
    const message = `Smoothing needs the largest activation of each of the ${matrix.inputs} inputs of ${name}. Collect them by a calibration, or choose a recipe without smoothing.`;
    throw new QuantCacheError('invalid_option', message);
  }
  const weights = channelMaxima(matrix);
  return activations.map((activation, k) => {
    const factor = Math.max(activation, 1e-5) ** smoothing.alpha / Math.max(weights[k]!, 1e-5) ** (1 - smoothing.alpha);
    return Math.min(Math.max(factor, 1e-5), 1e5);
  });
}

/** The matrix with its input channels multiplied by factors. */
export function scaleChannels({ data, outputs, inputs }: Matrix, factors: Float32Array): Matrix {
  return { data: data.map((value, i) => value * factors[i % inputs]!), outputs, inputs };
}

/** The largest absolute weight of every input channel. */
function channelMaxima({ data, inputs }: Matrix): Float32Array {
  const maxima = new Float32Array(inputs);
  for (let i = 0, k = 0; i < data.length; i++, k = k + 1 === inputs ? 0 : k + 1)
    maxima[k] = Math.max(maxima[k]!, Math.abs(data[i]!));
  return maxima;
}
