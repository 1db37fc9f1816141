/** What a network holds for as long as it is loaded, and what one generation holds for as long as it runs. */
import type { Geometry, TextConditioning } from '../../../model.ts';
import type { ActivationRecorder } from '../../../quantization/activations.ts';
import type { Quantizer } from '../../../quantization/quantizer.ts';
import type { Runtime, Tensor } from '../../../runtime/runtime.ts';
import type { SessionCache } from '../../../runtime/sessions.ts';
import type { Weights } from '../../../weights/checkpoint.ts';
import type { Stdit3Config } from './config.ts';
import type { LatentSize } from './ends.ts';

/** What one generation is conditioned on. */
export interface Conditioning {
  /** Its unconditional part doubles the batch (classifier-free guidance). */
  readonly text: TextConditioning;
  readonly geometry: Geometry;
  /** Frame rate per prompt where prompts differ in it; the geometry's otherwise. */
  readonly frameRates?: readonly number[];
}

/** A network: its weights, its configuration, and the sessions made so far. */
export interface Network {
  readonly runtime: Runtime;
  readonly weights: Weights;
  readonly config: Stdit3Config;
  readonly quantizer: Quantizer;
  readonly recorder: ActivationRecorder | undefined;
  readonly sessions: SessionCache;
}

/** What stays the same during one generation. */
export interface Generation {
  readonly conditioning: Conditioning;
  readonly size: LatentSize;
  readonly frames: number;
  readonly caption: { readonly tokens: Tensor; readonly used?: Tensor };
  readonly positions: Tensor;
  readonly rotary: { readonly cos: Tensor; readonly sin: Tensor };
  /** Keys and values per block, filled as blocks run. */
  readonly keysAndValues: Map<string, Record<string, Tensor>>;
}
