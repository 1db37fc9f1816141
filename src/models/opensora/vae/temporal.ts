/**
 * The temporal VAE over a chunk of frames: Open-Sora's `VAE_Temporal` as graph-writing functions, on values
 * `[1, channels, frames, height, width]`. Names are those of its weights.
 *
 * Convolutions are causal (they see earlier frames only), but GroupNorm takes its statistics over the whole chunk. Padding
 * to, and cutting from, a multiple of the temporal factor is the caller's. Reference: Open-Sora 1.2,
 * `opensora/models/vae/vae_temporal.py`.
 */
import { convolution } from '../../../nn/convolution.ts';
import { silu } from '../../../nn/linear.ts';
import { groupNorm } from '../../../nn/norm.ts';
import { type Scope, within } from '../../../nn/scope.ts';
import type { Value } from '../../../onnx/graph.ts';
import type { TemporalVaeConfig } from './config.ts';

/** Latents `[1, embedChannels, frames, ...]` to `[1, channels, factor * frames, ...]`. */
export function temporalDecoder(root: Scope, z: Value, config: TemporalVaeConfig): Value {
  const scope = within(root, 'decoder');
  let h = causalConvolution(scope, causalConvolution(root, z, 'post_quant_conv'), 'conv1');
  for (let i = 0; i < config.resBlocks; i++) h = resBlock(within(scope, `res_blocks.${i}`), h, config);
  for (let level = config.levelChannels.length - 1; level >= 0; level--) {
    for (let i = 0; i < config.resBlocks; i++) {
      h = resBlock(within(scope, `block_res_blocks.${level}.${i}`), h, config);
    }
    if (level > 0 && config.halvesTime[level - 1]) {
      h = depthToTime(scope, causalConvolution(scope, h, `conv_blocks.${level - 1}`), config.levelChannels[level]!);
    }
  }
  return causalConvolution(scope, silu(scope, norm(scope, h, 'norm1', config)), 'conv_out');
}

/** `[1, channels, frames, ...]` with a multiple of the factor of frames to moments `[1, 2 * embedChannels, ...]`. */
export function temporalEncoder(root: Scope, x: Value, config: TemporalVaeConfig): Value {
  const scope = within(root, 'encoder');
  let h = causalConvolution(scope, x, 'conv_in');
  for (let level = 0; level < config.levelChannels.length; level++) {
    for (let i = 0; i < config.resBlocks; i++) {
      h = resBlock(within(scope, `block_res_blocks.${level}.${i}`), h, config);
    }
    if (config.halvesTime[level]) h = causalConvolution(scope, h, `conv_blocks.${level}`, 2);
  }
  for (let i = 0; i < config.resBlocks; i++) h = resBlock(within(scope, `res_blocks.${i}`), h, config);
  h = causalConvolution(scope, silu(scope, norm(scope, h, 'norm1', config)), 'conv2');
  return causalConvolution(root, h, 'quant_conv');
}

/** GroupNorm, SiLU, convolution, twice; the input is added, through a 1x1x1 convolution where the channels change. */
function resBlock(scope: Scope, x: Value, config: TemporalVaeConfig): Value {
  let h = causalConvolution(scope, silu(scope, norm(scope, x, 'norm1', config)), 'conv1');
  h = causalConvolution(scope, silu(scope, norm(scope, h, 'norm2', config)), 'conv2');
  const shortcut = scope.weights.has('conv3.conv.weight') ? causalConvolution(scope, x, 'conv3') : x;
  return scope.graph.op.Add(shortcut, h);
}

/** A 3-D convolution that is padded with zeros before the first frame, never after the last. */
function causalConvolution(scope: Scope, x: Value, name: string, timeStride = 1): Value {
  const [time, height, width] = scope.weights.get(`${name}.conv.weight`).shape.slice(2) as [number, number, number];
  const border = [(height - 1) / 2, (width - 1) / 2];
  return convolution(scope, x, `${name}.conv`, {
    strides: [timeStride, 1, 1],
    pads: [time - timeStride, ...border, 0, ...border],
  });
}

/** Channel 2c + s of frame t becomes channel c of frame 2t + s. */
function depthToTime({ graph }: Scope, x: Value, channels: number): Value {
  const { op } = graph;
  const split = op.Reshape(x, op.Concat([1, channels, 2], op.Shape(x, { start: 2 }), { axis: 0 }));
  const ordered = op.Transpose(split, { perm: [0, 1, 3, 2, 4, 5] });
  return op.Reshape(ordered, op.Concat([1, channels, -1], op.Shape(x, { start: 3 }), { axis: 0 }));
}

function norm(scope: Scope, x: Value, name: string, { groups, epsilon }: TemporalVaeConfig): Value {
  return groupNorm(scope, x, name, { groups, epsilon, rank: 5 });
}
