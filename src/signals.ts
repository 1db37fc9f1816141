/**
 * Named tensors of one step that policies may look at beside the hidden state. Computed when first asked for, shared by
 * all who ask, freed with the step.
 */
import { QuantCacheError } from './errors.ts';
import type { Evaluation, Signal } from './model.ts';
import type { Tensor } from './runtime/runtime.ts';
import { release } from './runtime/sharing.ts';

/** The signals of one step. */
export interface Signals {
  /** A signal, borrowed until the end of the step; `retain` it to keep it. Throws where the model does not have it. */
  read(name: Signal): Promise<Tensor>;
  /** Frees what was computed. */
  dispose(): Promise<void>;
}

/** The signals of an evaluation on the given latents, which stay the caller's. */
export function signalsOf(evaluation: Evaluation, latents: Tensor): Signals {
  const computed = new Map<Signal, Promise<Tensor>>();
  return {
    async read(name) {
      if (name === 'latents') return latents;
      const compute = evaluation.signals?.[name];
      if (!compute) {
        const message = `The policy needs the signal "${name}", which this model does not have. Choose another policy.`;
        throw new QuantCacheError('invalid_option', message);
      }
      if (!computed.has(name)) computed.set(name, compute());
      return computed.get(name)!;
    },
    async dispose() {
      for (const result of await Promise.allSettled(computed.values()))
        if (result.status === 'fulfilled') release(result.value);
      computed.clear();
    },
  };
}
