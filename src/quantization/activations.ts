/**
 * Watching activations: the largest absolute input of every channel of every linear layer, over as many runs as a
 * calibration makes. Smoothing is computed from it.
 */
import type { LinearWriter } from '../nn/scope.ts';
import type { Runtime, Tensor } from '../runtime/runtime.ts';
import type { ActivationMaxima } from './smoothing.ts';

/** Outputs of watched graphs are called this and the layer's full name. */
const watched = 'maxima of ';

/** A writer that also gives the graph an output with the layer's largest absolute inputs, `[inputs]`. */
export const watching =
  (linear: LinearWriter): LinearWriter =>
  (scope, x, name) => {
    const { op } = scope.graph;
    const layer = scope.weights.get(`${name}.weight`).name.replace(/\.weight$/, '');
    scope.graph.output(`${watched}${layer}`, op.ReduceMax(op.Abs(x), [0], { keepdims: 0 }));
    return linear(scope, x, name);
  };

/** Maxima that grow with every run. */
export interface ActivationRecorder {
  readonly maxima: ActivationMaxima;
  /** Takes the watched outputs of a run and disposes of them. */
  take(runtime: Runtime, outputs: Readonly<Record<string, Tensor>>): Promise<void>;
}

/** An empty recorder, for one calibration. */
export function activationRecorder(): ActivationRecorder {
  const maxima = new Map<string, Float32Array>();
  return {
    maxima,
    async take(runtime, outputs) {
      for (const [name, tensor] of Object.entries(outputs)) {
        if (!name.startsWith(watched)) continue;
        const values = await runtime.read(tensor);
        const layer = name.slice(watched.length);
        const known = maxima.get(layer);
        maxima.set(layer, known ? known.map((value, i) => Math.max(value, values[i]!)) : values.slice());
        tensor.dispose();
      }
    },
  };
}
