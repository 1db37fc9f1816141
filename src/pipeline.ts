/**
 * What a model family provides to make a video from text: everything around the loop. `generate` sees this and nothing
 * of any model.
 */
import type { Clip } from './clip.ts';
import type { Denoiser, Geometry, Node, TextContext } from './model.ts';
import type { Tensor } from './runtime/runtime.ts';
import type { LatentMask, Sampler } from './samplers/rflow.ts';

/** What a clip is made of where the caller does not say. */
export interface GenerationDefaults {
  readonly height: number;
  readonly width: number;
  readonly numFrames: number;
  readonly fps: number;
  readonly numSteps: number;
  readonly guidanceScale: number;
}

/** What a caller may say about size and length. */
export interface SizeRequest {
  /** HEIGHTxWIDTH in pixels; excludes `resolution` and `aspect`. */
  readonly size?: string;
  /** A named resolution, such as 240p. */
  readonly resolution?: string;
  /** width:height, such as 16:9. */
  readonly aspect?: string;
  /** Frames; 1 is an image. Excludes `duration`. */
  readonly frames?: number;
  /** A named length, such as 2s. */
  readonly duration?: string;
  readonly fps?: number;
}

/** A prompt taken apart. */
export interface PreparedPrompt {
  /** The text for a loop, cleaned and completed, as the text encoder gets it. */
  textFor(loop: number): string;
  /** How references condition the clip, in the model's own notation; empty for none. */
  readonly maskStrategy: string;
  /** Files or addresses of references that the prompt itself names. */
  readonly references: readonly string[];
  /** Words that the model does not know. */
  readonly unknownWords: readonly string[];
}

/** What a prompt is completed with. */
export interface PromptOptions {
  readonly aestheticScore?: number | null;
  readonly motionScore?: number | null;
  readonly cameraMotion?: string | null;
}

/** What a module takes to run once, at one size. */
export interface ModuleCost {
  readonly parameters: number;
  /** Bytes of its weights as stored. */
  readonly bytes: number;
  /** Floating-point operations, two per multiply-add, guidance included. */
  readonly flops: number;
}

export interface Pipeline extends AsyncDisposable {
  /** Where the model came from, for reports and metadata. */
  readonly model: string;
  /** Where its files lie. */
  readonly folder: string;
  /** SHA-256 of the transformer's weights: what profiles are bound to. */
  hash(): Promise<string>;
  /** What is odd about the checkpoint, though it can be run. */
  readonly warnings: readonly string[];
  readonly defaults: GenerationDefaults;
  /** The network's blocks in the order they run. */
  readonly blocks: readonly Node[];
  /** Frames that one chunk of the video decoder makes; loops overlap by this much. */
  readonly chunkFrames: number;
  /** Sizes in pixels and latents, the model's own where the request is silent. Throws `invalid_option`. */
  geometry(request: SizeRequest): Geometry;
  /** What a module costs at a size, with guidance and a caption of average length. */
  cost(node: Node, geometry: Geometry): ModuleCost;
  /** Elements of one hidden state, both halves of a guided batch of one prompt. */
  hiddenSize(geometry: Geometry): number;
  /** Bytes of all weights, by part of the model. */
  readonly weightBytes: Readonly<Record<string, number>>;
  prepare(prompt: string, options?: PromptOptions): PreparedPrompt;
  encodeText(texts: readonly string[], signal?: AbortSignal): Promise<TextContext>;
  timesteps(geometry: Geometry, numSteps: number): Float32Array;
  sampler(options: { timesteps: Float32Array; guidanceScale: number; guided: boolean; mask?: LatentMask }): Sampler;
  begin(conditioning: { text: TextContext; geometry: Geometry; guided: boolean }): Promise<Denoiser>;
  /** Pixels of latents `[1, channels, frames, height, width]`, a few frames at a time. */
  decode(latents: Tensor, numFrames: number, signal?: AbortSignal): AsyncIterable<Clip>;
  /** Latents of pixels, sampled from their distribution with `randn`. */
  encode(clip: Clip, randn: (count: number) => Float32Array, signal?: AbortSignal): Promise<Clip>;
  /**
   * What the model's own image encoder sees in pixels, for measuring distances: a few frames at a time, one clip of hidden
   * states per layer. Absent where the model has no encoder.
   */
  features?(clip: Clip, signal?: AbortSignal): AsyncIterable<readonly Clip[]>;
}
