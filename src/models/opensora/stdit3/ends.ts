/**
 * What comes before and after the blocks: patches, time and caption embeddings, and the final layer, as graphs.
 * Reference: Open-Sora 1.2, `STDiT3`, `T2IFinalLayer`, `CaptionEmbedder`, `SizeEmbedder`.
 */
import { gelu, overRows, perceptron, silu } from '../../../nn/linear.ts';
import { modulatedNorm } from '../../../nn/norm.ts';
import { type Scope, within } from '../../../nn/scope.ts';
import type { Value } from '../../../onnx/graph.ts';
import type { Stdit3Config } from './config.ts';
import { sinusoidSize } from './positions.ts';

/** Sizes that the patch and final graphs are written for. */
export interface LatentSize {
  readonly height: number;
  readonly width: number;
  readonly rows: number;
  readonly columns: number;
}

/** Latents `[batch, channels, frames, height, width]` to tokens `[batch, frames, tokens, width]`, positions added. */
export function patchEmbedding(
  scope: Scope,
  config: Stdit3Config,
  latents: Value,
  positions: Value,
  size: LatentSize,
): Value {
  const { op } = scope.graph;
  const { inChannels, patchHeight, patchWidth, hiddenSize } = config;
  const { rows, columns } = size;
  const below = rows * patchHeight - size.height;
  const right = columns * patchWidth - size.width;
  const padded = below || right ? op.Pad(latents, [0, 0, 0, 0, 0, 0, 0, 0, below, right]) : latents;
  const frames = op.Shape(latents, { start: 2, end: 3 });
  const split = op.Concat([-1, inChannels], frames, [rows, patchHeight, columns, patchWidth], { axis: 0 });
  const patches = op.Transpose(op.Reshape(padded, split), { perm: [0, 2, 3, 5, 1, 4, 6] });
  const linear = within(scope, 'x_embedder');
  const tokens = linear.linear(linear, op.Reshape(patches, [-1, inChannels * patchHeight * patchWidth]), 'proj');
  return op.Add(op.Reshape(tokens, op.Concat([-1], frames, [rows * columns, hiddenSize], { axis: 0 })), positions);
}

/**
 * Sinusoids of timesteps and frame rates, each `[batch, rows, 256]`, to the embedding `[batch, rows, width]` and the
 * blocks' modulation `[batch, rows, 6 * width]`.
 */
export function timeEmbedding(scope: Scope, config: Stdit3Config, times: Value, rates: Value) {
  const { op } = scope.graph;
  const embed = (x: Value, name: string) =>
    overRows(scope, x, sinusoidSize, (rows) => perceptron(within(scope, `${name}.mlp`), rows, ['0', '2'], silu));
  const timeOnly = embed(times, 't_embedder');
  const rateOnly = embed(rates, 'fps_embedder');
  const embedding = op.Add(timeOnly, rateOnly);
  const modulation = overRows(scope, silu(scope, embedding), config.hiddenSize, (rows) =>
    scope.linear(scope, rows, 't_block.1'),
  );
  return { embedding, modulation, timeOnly, rateOnly };
}

/** Text states `[batch, length, captionChannels]` to caption tokens `[batch, length, width]`. */
export function captionEmbedding(scope: Scope, config: Stdit3Config, states: Value): Value {
  return overRows(scope, states, config.captionChannels, (rows) =>
    perceptron(within(scope, 'y_embedder.y_proj'), rows, ['fc1', 'fc2'], gelu),
  );
}

/** Which frames are denoised, and the time embedding of those that are not. */
export interface GivenFrames {
  /** 1 where denoised, 0 where given, `[batch, frames, 1, 1]`. */
  readonly mask: Value;
  /** Embedding of timestep 0, `[batch, 1, width]`. */
  readonly embedding: Value;
}

/**
 * The last hidden state to the network's output: `tokens`, `[batch, frames, tokens, patch * outChannels]`, and the same
 * put back in place, `output`, `[batch, outChannels, frames, height, width]`. Given frames are normalised and modulated
 * twice, as the original does.
 */
export function finalLayer(
  scope: Scope,
  config: Stdit3Config,
  hidden: Value,
  embedding: Value,
  size: LatentSize,
  given?: GivenFrames,
) {
  const { graph } = scope;
  const { op } = graph;
  const final = within(scope, 'final_layer');
  const table = graph.weight(final.weights.get('scale_shift_table'));
  const modulated = (x: Value, time: Value) => {
    const rows = op.Add(table, op.Reshape(time, [0, 0, 1, config.hiddenSize]));
    const [shift, scale] = graph.node('Split', [rows], { axis: 2, num_outputs: 2 }, 2);
    return modulatedNorm(scope, x, config.hiddenSize, shift!, scale!);
  };
  const denoised = modulated(hidden, embedding);
  const normed = given
    ? op.Where(op.Cast(given.mask, { to: 9 }), denoised, modulated(denoised, given.embedding))
    : denoised;
  const tokens = overRows(final, normed, config.hiddenSize, (rows) => final.linear(final, rows, 'linear'));
  return { tokens, output: unpatchify(scope, config, tokens, size) };
}

/** The channels of a token are ordered patch row, patch column, channel; the padding is cut off. */
function unpatchify({ graph }: Scope, config: Stdit3Config, tokens: Value, size: LatentSize): Value {
  const { op } = graph;
  const { patchHeight, patchWidth, outChannels } = config;
  const { rows, columns, height, width } = size;
  const frames = op.Shape(tokens, { start: 1, end: 2 });
  const split = op.Concat([-1], frames, [rows, columns, patchHeight, patchWidth, outChannels], { axis: 0 });
  const placed = op.Transpose(op.Reshape(tokens, split), { perm: [0, 6, 1, 2, 4, 3, 5] });
  const whole = op.Concat([-1, outChannels], frames, [rows * patchHeight, columns * patchWidth], { axis: 0 });
  return op.Slice(op.Reshape(placed, whole), [0, 0], [height, width], [3, 4]);
}
