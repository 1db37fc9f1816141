/** What a family of models is to the registry. */
import type { Node, Precision } from '../model.ts';
import type { Pipeline } from '../pipeline.ts';
import type { ActivationRecorder } from '../quantization/activations.ts';
import type { QuantizationOptions } from '../quantization/quantizer.ts';
import type { Runtime, Session, Tensor } from '../runtime/runtime.ts';
import type { Verifier } from '../verification/case.ts';
import type { ResolveOptions } from '../weights/hub.ts';

/** Where a model comes from: a folder, a hub id, or the name of the one that is shipped. */
export interface ModelOptions extends ResolveOptions {
  /** Default: the demo model in this package. */
  readonly model?: string;
  /** Folder or hub id of the VAE, where it is not part of the model. */
  readonly vae?: string;
  readonly textEncoder?: string;
  /** Whether prompts that a large text encoder encoded are kept on disk and found again. Default: yes. */
  readonly keepText?: boolean;
  /** What quantized precisions mean, where not the default; a recorder of activations, for calibrations. */
  readonly quantization?: QuantizationOptions & { readonly recorder?: ActivationRecorder };
}

/** A family of models: how its folders are recognised and opened, and how its reference cases are verified. */
export interface Family {
  /** The `model_type` of a config.json, or `family` of a quantcache.json. */
  readonly types: readonly string[];
  readonly open: (runtime: Runtime, model: string, folder: string, options: ModelOptions) => Promise<Pipeline>;
  readonly verifiers: Readonly<Record<string, Verifier>>;
  /** Writes a model folder of published size with random weights, to measure speed and memory with. */
  readonly writeRandom?: (folder: string, options: RandomModelSizes) => Promise<void>;
  /** Single modules with random weights, to measure what each precision makes of them. */
  readonly openModules?: (runtime: Runtime, sizes: ModuleSizes) => Promise<RandomModules>;
}

/** How large a model of published size with random weights is. */
export interface RandomModelSizes {
  /** Layers of the text encoder, by default fewer than it has as published. */
  readonly textLayers?: number;
  readonly signal?: AbortSignal;
}

/** How large single modules are. */
export interface ModuleSizes {
  readonly hiddenSize: number;
  readonly numHeads: number;
  /** `[batch, frames, tokens]`. */
  readonly shape: readonly [number, number, number];
  readonly captionLength: number;
  readonly recipes?: QuantizationOptions['recipes'];
}

/** One module of each kind. */
export interface RandomModules extends AsyncDisposable {
  readonly modules: readonly Node[];
  /** The module's graph as the engine would compile it; it gives the new hidden state and the `residual`. */
  compile(module: Node, precision: Precision): Promise<Session>;
  /** What any of its graphs takes. */
  feeds(module: Node): Record<string, Tensor>;
}
