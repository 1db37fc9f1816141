/**
 * What a model family must provide, and the tree that policies see. Nothing here knows a particular model.
 *
 * step > segment > block > module: every node adds a residual to the hidden state, so every node can be computed, reused
 * or skipped. A module is a leaf and owns graphs; all other nodes are sequences.
 */
import type { Tensor } from './runtime/runtime.ts';

export type Level = 'step' | 'segment' | 'block' | 'module';

/** How far inside the tree a level is: 0 for the step, 3 for modules. */
export const depthOf = (level: Level): number => ['step', 'segment', 'block', 'module'].indexOf(level);

/** The innermost of some levels; `step` of none. */
export const innermost = (levels: readonly Level[]): Level =>
  levels.reduce((inner, level) => (depthOf(level) > depthOf(inner) ? level : inner), 'step');

/** The number formats a linear layer may compute in: w = weight bits, a = activation bits. */
export const precisions = ['fp32', 'w8a8', 'w4a8', 'w4a6'] as const;
export type Precision = (typeof precisions)[number];

/** What a module does, in words that all families share and policies may match on. */
export type Role = 'self-attention' | 'cross-attention' | 'feed-forward';

export interface Node {
  /** Stable name; for blocks and modules the prefix of their weights, such as `blocks.3.attention`. */
  readonly path: string;
  readonly level: Level;
  /** What it is, in its family's words, such as `temporal-attention`; nodes of a kind are alike. */
  readonly kind: string;
  /** Of modules. */
  readonly role?: Role;
  /** Position among nodes of its kind: the block pair's number for blocks and modules. */
  readonly index: number;
  readonly children?: readonly Node[];
}

/** Sizes of one clip, in pixels and in latents. */
export interface Geometry {
  /** Pixels, as the model is conditioned on them. */
  readonly height: number;
  readonly width: number;
  readonly numFrames: number;
  readonly fps: number;
  readonly latent: {
    readonly channels: number;
    readonly frames: number;
    readonly height: number;
    readonly width: number;
  };
}

/** Text states for one batch of prompts, the first `lengths[i]` rows of each in use. */
export interface TextContext {
  /** `[prompts, length, channels]`, row-major. */
  readonly states: Float32Array;
  readonly dims: readonly [number, number, number];
  /** 1 for tokens that count, 0 for padding, `[prompts, length]`; all count where it is absent. */
  readonly mask?: readonly (readonly number[])[];
}

/** What a network is conditioned on, for one batch of prompts. */
export interface TextConditioning {
  /** Of the prompts. */
  readonly conditional: TextContext;
  /**
   * Of what guidance steers away from, one row for all prompts or one for each. Where it is there, the network's batch has
   * a second half that sees it; absent without guidance.
   */
  readonly unconditional?: TextContext;
}

/** What a module may be asked for beside the hidden state. */
export interface ModuleRequest {
  readonly precision: Precision;
  /** Also return what the module added. */
  readonly residual: boolean;
}

export interface ModuleResult {
  readonly hidden: Tensor;
  readonly residual?: Tensor;
}

/** Modules that follow each other, and what is added between them. */
export interface Stretch {
  readonly parts: readonly StretchPart[];
  /** The modules, and the nodes that begin and end, that also say what they added. */
  readonly residuals: readonly Node[];
}

/** A module to run, a residual to add, or where a node begins and ends that is to say what all inside of it added. */
export type StretchPart =
  | { readonly module: Node; readonly precision: Precision }
  | { readonly added: Tensor }
  | { readonly begin: Node }
  | { readonly end: Node };

export interface StretchResult {
  readonly hidden: Tensor;
  /** In the order of the stretch's `residuals`. */
  readonly residuals: readonly Tensor[];
}

/**
 * What policies may look at beside the hidden state: the latents that the network was given, and the input of its first
 * module after the timestep modulated it.
 */
export type Signal = 'latents' | 'modulated-input';

/** One evaluation of the network: latents and timestep are bound, the hidden state is ready to go through the tree. */
export interface Evaluation {
  /** `[batch, frames, tokens, width]`. */
  readonly hidden: Tensor;
  /** Runs a module. The caller keeps ownership of `hidden`. */
  run(node: Node, hidden: Tensor, request: ModuleRequest): Promise<ModuleResult>;
  /**
   * Runs what follows each other as one graph, where the network would have that; `undefined` where it would not,
   * because a step takes so long that graphs are better short: they cannot be stopped, and each holds weights of its own.
   */
  runTogether?(stretch: Stretch, hidden: Tensor): Promise<StretchResult> | undefined;
  /** Computes a signal; the caller owns it. */
  readonly signals?: Readonly<Partial<Record<Signal, () => Promise<Tensor>>>>;
  /**
   * From the last hidden state to the network's output, `[batch, channels, frames, height, width]`: the velocity towards
   * the data (see `sampler.ts`), perhaps with more channels behind it.
   */
  finish(hidden: Tensor): Promise<Tensor>;
  /** Frees what belongs to this step; `hidden` and what `finish` returned are the caller's. */
  dispose(): void;
}

/** A network with one generation's conditioning bound to it. */
export interface Denoiser {
  /**
   * Latents `[prompts, channels, frames, height, width]` at one timestep in (0, 1000].
   * `frameMask[prompt][frame]` is false for frames that are given and not denoised.
   */
  evaluate(latents: Tensor, timestep: number, frameMask?: readonly (readonly boolean[])[]): Promise<Evaluation>;
  dispose(): void;
}

/** Cuts blocks into segments before the given block numbers and roots them in one `step` node. */
export function treeOf(blocks: readonly Node[], cuts: readonly number[] = []): Node {
  const edges = [0, ...cuts.filter((cut) => cut > 0 && cut < blocks.length), blocks.length];
  const children = edges.slice(1).map(
    (end, index): Node => ({
      path: `segment.${index}`,
      level: 'segment',
      kind: 'segment',
      index,
      children: blocks.slice(edges[index], end),
    }),
  );
  return { path: 'step', level: 'step', kind: 'step', index: 0, children };
}

/** Every node of a tree, parents first. */
export function* nodesOf(node: Node): Generator<Node> {
  yield node;
  for (const child of node.children ?? []) yield* nodesOf(child);
}

/** The modules of a tree, in the order in which they run. */
export const modulesIn = (node: Node): Node[] => [...nodesOf(node)].filter(({ level }) => level === 'module');
