/**
 * What a model family provides to make a video from text: everything around the loop, in stages that can be used apart.
 * `generate` sees this and nothing of any model.
 */

import type { Clip } from './clip.ts';
import type { Denoiser, Geometry, Node, TextConditioning } from './model.ts';
import type { OptionNames } from './options.ts';
import type { Tensor } from './runtime/runtime.ts';
import type { LatentMask, SamplerMethod, Schedule } from './sampler.ts';
import type { RunState } from './state.ts';

/** What a clip is made of where the caller does not say. */
export interface GenerationDefaults {
  readonly height: number;
  readonly width: number;
  readonly numFrames: number;
  readonly fps: number;
  readonly numSteps: number;
  readonly guidanceScale: number;
}

/** What sizes and lengths there can be, for those that ask before a model is asked. */
export interface ClipLimits {
  /** Pixels in height and width. */
  readonly side: { readonly least: number; readonly most: number };
  /** The most pixels of a frame. */
  readonly mostArea: number;
  /** Lengths are best a multiple of so many frames; none but single pictures is shorter. */
  readonly frameMultiple: number;
  readonly mostFrames: number;
  readonly fps: { readonly least: number; readonly most: number };
  /** Sizes that have a name, HEIGHTxWIDTH, smallest first. */
  readonly namedSizes: readonly string[];
  /** Whether the model takes a negative prompt. */
  readonly negativePrompt: boolean;
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

/** What a size may be asked for by. */
export const sizeNames: OptionNames<SizeRequest> = {
  size: true,
  resolution: true,
  aspect: true,
  frames: true,
  duration: true,
  fps: true,
};

/** The size that is asked for among other things. */
export const sizeOf = ({ size, resolution, aspect, frames, duration, fps }: SizeRequest): SizeRequest => ({
  size,
  resolution,
  aspect,
  frames,
  duration,
  fps,
});

/** Options that only one family of models understands, by name; each family checks its own. */
export type FamilyOptions = Readonly<Record<string, unknown>>;

/** A prompt taken apart. */
export interface PreparedPrompt {
  /** The text for a loop, cleaned and completed, as the text encoder gets it. */
  textFor(loop: number): string;
  /** Files or addresses of references that the prompt itself names. */
  readonly references: readonly string[];
  /** Words that the model does not know. */
  readonly unknownWords: readonly string[];
  /** What the prompt said and the text encoder will not get, because the family cleans its prompts. */
  readonly removedText: readonly string[];
  /** Words beyond the longest text that the model reads. */
  readonly unreadWords: readonly string[];
}

/** Texts to encode. */
export interface TextRequest {
  readonly texts: readonly string[];
  /** What to steer away from; the model's own where it is absent. Needs `guided`. */
  readonly negativePrompt?: string;
  /** Also encode what guidance steers away from. */
  readonly guided: boolean;
}

/** From prompts to what the network is conditioned on. */
export interface TextStage {
  /** Throws `invalid_option` for prompts and options that the model does not understand. */
  prepare(prompt: string, options?: FamilyOptions): PreparedPrompt;
  encode(request: TextRequest, signal?: AbortSignal): Promise<TextConditioning>;
}

/** What is to be conditioned, for all clips of one generation. */
export interface ConditionRequest {
  readonly geometry: Geometry;
  /** As the caller wrote them. */
  readonly prompts: readonly string[];
  /** Pixels that condition each prompt's clip, in [-1, 1]; none for prompts that are not there. */
  readonly references?: readonly (readonly Clip[])[];
  readonly options?: FamilyOptions;
  /** The run's one source of randomness. */
  readonly randn: (count: number) => Float32Array;
  /** Where what is remembered from clip to clip is kept. Default: where nobody saves it. */
  readonly state?: RunState;
  readonly signal?: AbortSignal;
}

/** What a clip starts from. */
export interface Start {
  /** `[prompts, ...latent]`: noise, with given frames copied in. */
  readonly latents: Float32Array;
  /** Where frames are given; absent where none are. */
  readonly mask?: LatentMask;
}

/** The clips of one generation, in order. */
export interface Conditioning {
  /** What the next clip starts from; `before` are the pixels of the one before, per prompt, absent for the first. */
  next(before?: readonly Clip[]): Promise<Start>;
}

/** The network that the loop runs on. */
export interface NetworkStage {
  /** Its blocks in the order they run. */
  readonly blocks: readonly Node[];
  /** The samplers that it works with, the default first. */
  readonly samplers: Readonly<Record<string, SamplerMethod>>;
  schedule(geometry: Geometry, numSteps: number): Schedule;
  begin(conditioning: { readonly text: TextConditioning; readonly geometry: Geometry }): Promise<Denoiser>;
}

/** Between pixels and latents. */
export interface PixelStage {
  /** Frames by which a clip repeats the end of the one that it continues; 0 where clips cannot continue each other. */
  readonly overlap: number;
  /** Pixels of latents `[1, channels, frames, height, width]`, a few frames at a time. */
  decode(latents: Tensor, numFrames: number, signal?: AbortSignal): AsyncIterable<Clip>;
  /**
   * What the model's own image encoder sees in pixels, for measuring distances: a few frames at a time, one clip of hidden
   * states per layer. Absent where the model has no encoder.
   */
  features?(clip: Clip, signal?: AbortSignal): AsyncIterable<readonly Clip[]>;
}

/** What a module takes to run once, at one size. */
export interface ModuleCost {
  readonly parameters: number;
  /** Bytes of its weights as stored. */
  readonly bytes: number;
  /** Floating-point operations, two per multiply-add, guidance included. */
  readonly flops: number;
}

/** What a model takes, known without running it. */
export interface Costs {
  /** What a module costs at a size, with guidance and a caption of average length. */
  of(node: Node, geometry: Geometry): ModuleCost;
  /** `[batch, frames, tokens, width]` of the hidden state, both halves of a guided batch of one prompt. */
  hiddenDims(geometry: Geometry): readonly [number, number, number, number];
  /** Bytes that the decoder cannot do without while it makes frames of a size. */
  decoderBytes?(geometry: Geometry): number;
  /** Bytes of all weights, by part of the model. */
  readonly weightBytes: Readonly<Record<string, number>>;
}

/** Which model it is. */
export interface ModelIdentity {
  /** Where the model came from, for reports and metadata. */
  readonly model: string;
  /** Where its files lie. */
  readonly folder: string;
  /** SHA-256 of the transformer's weights: what profiles are bound to. */
  hash(): Promise<string>;
}

/** A model, opened. */
export interface Pipeline extends ModelIdentity, AsyncDisposable {
  /** What is odd about the checkpoint, though it can be run. */
  readonly warnings: readonly string[];
  readonly defaults: GenerationDefaults;
  readonly limits: ClipLimits;
  /** Sizes in pixels and latents, the model's own where the request is silent. Throws `invalid_option`. */
  geometry(request: SizeRequest): Geometry;
  readonly text: TextStage;
  /** Noise and references of the clips to come. Throws `invalid_option` before any computation. */
  condition(request: ConditionRequest): Conditioning;
  readonly network: NetworkStage;
  readonly pixels: PixelStage;
  readonly costs: Costs;
  /** Options of policies that were published for this very checkpoint, such as fitted coefficients. */
  publishedOptions(policy: string): Readonly<Record<string, unknown>>;
}
