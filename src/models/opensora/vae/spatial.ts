/**
 * The spatial VAE, frame by frame: diffusers' AutoencoderKL as graph-writing functions. Names are those of its weights.
 *
 * Height and width are known only when a graph runs, so one graph serves every size. Reference: diffusers 0.27,
 * `models/autoencoders/{autoencoder_kl,vae}.py` and `models/unets/unet_2d_blocks.py`.
 */
import { attention } from '../../../nn/attention.ts';
import { convolution, upsampleNearest } from '../../../nn/convolution.ts';
import { overRows, silu } from '../../../nn/linear.ts';
import { groupNorm } from '../../../nn/norm.ts';
import { type Scope, within } from '../../../nn/scope.ts';
import type { Value } from '../../../onnx/graph.ts';
import type { AttentionKernel } from '../../../runtime/runtime.ts';
import type { SpatialVaeConfig } from './config.ts';

/** Sizes, and how the attention at the coarsest resolution is written. */
export interface SpatialVaeOptions extends SpatialVaeConfig {
  readonly attentionKernel: AttentionKernel;
}

/** Latents `[frames, latentChannels, height, width]` to pixels `[frames, 3, factor * height, factor * width]`. */
export function spatialDecoder(root: Scope, z: Value, config: SpatialVaeOptions): Value {
  const scope = within(root, 'decoder');
  const levels = config.blockOutChannels.length;
  const coarsest = config.blockOutChannels[levels - 1]!;
  let h = convolution(scope, convolution(root, z, 'post_quant_conv'), 'conv_in');
  h = midBlock(within(scope, 'mid_block'), h, coarsest, config);
  for (let level = 0; level < levels; level++) {
    const block = within(scope, `up_blocks.${level}`);
    for (let i = 0; i <= config.layersPerBlock; i++) h = resnet(within(block, `resnets.${i}`), h, config);
    if (level < levels - 1) h = convolution(block, upsampleNearest(block, h), 'upsamplers.0.conv');
  }
  return convolution(scope, silu(scope, norm(scope, h, 'conv_norm_out', config)), 'conv_out');
}

/** Pixels `[frames, 3, height, width]` to moments `[frames, 2 * latentChannels, height / factor, width / factor]`. */
export function spatialEncoder(root: Scope, x: Value, config: SpatialVaeOptions): Value {
  const scope = within(root, 'encoder');
  const coarsest = config.blockOutChannels.at(-1)!;
  let h = spatialFeatures(root, x, config).at(-1)!;
  h = midBlock(within(scope, 'mid_block'), h, coarsest, config);
  h = convolution(scope, silu(scope, norm(scope, h, 'conv_norm_out', config)), 'conv_out');
  return convolution(root, h, 'quant_conv');
}

/** The encoder's hidden state at every resolution, finest first: `[frames, blockOutChannels[i], height / 2^i, width / 2^i]`. */
export function spatialFeatures(root: Scope, x: Value, config: SpatialVaeConfig): Value[] {
  const scope = within(root, 'encoder');
  const features: Value[] = [];
  let h = convolution(scope, x, 'conv_in');
  for (let level = 0; level < config.blockOutChannels.length; level++) {
    const block = within(scope, `down_blocks.${level}`);
    if (level > 0) h = downsample(within(scope, `down_blocks.${level - 1}`), h);
    for (let i = 0; i < config.layersPerBlock; i++) h = resnet(within(block, `resnets.${i}`), h, config);
    features.push(h);
  }
  return features;
}

function midBlock(scope: Scope, x: Value, channels: number, config: SpatialVaeOptions): Value {
  let h = resnet(within(scope, 'resnets.0'), x, config);
  h = spatialAttention(within(scope, 'attentions.0'), h, channels, config);
  return resnet(within(scope, 'resnets.1'), h, config);
}

/** GroupNorm, SiLU, convolution, twice; the input is added, through a 1x1 convolution where the channels change. */
function resnet(scope: Scope, x: Value, config: SpatialVaeConfig): Value {
  let h = convolution(scope, silu(scope, norm(scope, x, 'norm1', config)), 'conv1');
  h = convolution(scope, silu(scope, norm(scope, h, 'norm2', config)), 'conv2');
  const shortcut = scope.weights.has('conv_shortcut.weight') ? convolution(scope, x, 'conv_shortcut') : x;
  return scope.graph.op.Add(shortcut, h);
}

/** Self-attention of one head over all positions of a frame, added to its input `[frames, channels, height, width]`. */
function spatialAttention(scope: Scope, x: Value, channels: number, config: SpatialVaeOptions): Value {
  const { op } = scope.graph;
  const normalised = op.Reshape(norm(scope, x, 'group_norm', config), [0, channels, -1]);
  const tokens = op.Transpose(normalised, { perm: [0, 2, 1] });
  const project = (input: Value, name: string) =>
    overRows(scope, input, channels, (rows) => scope.linear(scope, rows, name));
  const [q, k, v] = ['to_q', 'to_k', 'to_v'].map((name) => project(tokens, name)) as [Value, Value, Value];
  const mixed = project(
    attention(scope.graph, q, k, v, {
      heads: 1,
      headSize: channels,
      kernel: config.attentionKernel,
    }),
    'to_out.0',
  );
  return op.Add(x, op.Reshape(op.Transpose(mixed, { perm: [0, 2, 1] }), op.Shape(x)));
}

/** Halves height and width: padding of one at the right and the bottom only, as diffusers has it. */
function downsample(scope: Scope, x: Value): Value {
  return convolution(scope, x, 'downsamplers.0.conv', { strides: [2, 2], pads: [0, 0, 1, 1] });
}

function norm(scope: Scope, x: Value, name: string, { groups, epsilon }: SpatialVaeConfig): Value {
  return groupNorm(scope, x, name, { groups, epsilon, rank: 4 });
}
