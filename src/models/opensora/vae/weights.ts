/**
 * The tensors of a VAE checkpoint and their shapes, for checking one against its config. Names are those of the published
 * `OpenSoraVAE_V1_2`: diffusers' below `spatial_vae.module`, Open-Sora's below `temporal_vae`, then `scale` and `shift`.
 */
import type { NamePatterns } from '../../../weights/check.ts';
import type { SpatialVaeConfig, TemporalVaeConfig, VaeConfig } from './config.ts';

/** Shapes by name. */
export type Shapes = Map<string, readonly number[]>;

/** The encoders are needed for `encode` only, and scale and shift may come from the config. */
export const optionalWeights: NamePatterns = [
  /^(spatial_vae\.module|temporal_vae)\.(encoder|quant_conv)\./,
  'scale',
  'shift',
];

/** Every tensor of both VAEs. */
export function vaeShapes(config: VaeConfig): Shapes {
  const channels = config.temporal.embedChannels;
  return new Map([
    ...prefixed('spatial_vae.module', spatialShapes(config.spatial)),
    ...prefixed('temporal_vae', temporalShapes(config.temporal)),
    ['scale', [1, channels, 1, 1, 1]],
    ['shift', [1, channels, 1, 1, 1]],
  ]);
}

/** Every tensor of an AutoencoderKL. */
export function spatialShapes(config: SpatialVaeConfig): Shapes {
  const { blockOutChannels, layersPerBlock, latentChannels } = config;
  const levels = blockOutChannels.length;
  const finest = blockOutChannels[0]!;
  const coarsest = blockOutChannels[levels - 1]!;
  const shapes: Shapes = new Map();
  for (const coder of ['encoder', 'decoder']) {
    const encodes = coder === 'encoder';
    const channels = encodes ? blockOutChannels : blockOutChannels.toReversed();
    addConvolution(shapes, `${coder}.conv_in`, channels[0]!, encodes ? 3 : latentChannels, 3);
    channels.forEach((outputs, level) => {
      const block = `${coder}.${encodes ? 'down' : 'up'}_blocks.${level}`;
      const count = encodes ? layersPerBlock : layersPerBlock + 1;
      for (let i = 0; i < count; i++) {
        addResnet(shapes, `${block}.resnets.${i}`, i === 0 && level > 0 ? channels[level - 1]! : outputs, outputs);
      }
      const resample = `${block}.${encodes ? 'down' : 'up'}samplers.0.conv`;
      if (level < levels - 1) addConvolution(shapes, resample, outputs, outputs, 3);
    });
    for (const i of [0, 1]) addResnet(shapes, `${coder}.mid_block.resnets.${i}`, coarsest, coarsest);
    addNorm(shapes, `${coder}.mid_block.attentions.0.group_norm`, coarsest);
    for (const name of ['to_q', 'to_k', 'to_v', 'to_out.0']) {
      addWeightAndBias(shapes, `${coder}.mid_block.attentions.0.${name}`, [coarsest, coarsest]);
    }
    addNorm(shapes, `${coder}.conv_norm_out`, encodes ? coarsest : finest);
    addConvolution(shapes, `${coder}.conv_out`, encodes ? 2 * latentChannels : 3, encodes ? coarsest : finest, 3);
  }
  addConvolution(shapes, 'quant_conv', 2 * latentChannels, 2 * latentChannels, 1);
  addConvolution(shapes, 'post_quant_conv', latentChannels, latentChannels, 1);
  return shapes;
}

/** Every tensor of a `VAE_Temporal`. */
export function temporalShapes(config: TemporalVaeConfig): Shapes {
  const { channels, latentChannels, embedChannels, levelChannels, halvesTime, resBlocks } = config;
  const finest = levelChannels[0]!;
  const coarsest = levelChannels[levelChannels.length - 1]!;
  const shapes: Shapes = new Map();
  shapes.set('encoder.conv_in.conv.weight', [finest, channels, 3, 3, 3]);
  addCausal(shapes, 'decoder.conv1', coarsest, latentChannels, 3);
  levelChannels.forEach((outputs, level) => {
    const finer = level === 0 ? outputs : levelChannels[level - 1]!;
    const coarser = levelChannels[level + 1] ?? outputs;
    for (let i = 0; i < resBlocks; i++) {
      addCausalBlock(shapes, `encoder.block_res_blocks.${level}.${i}`, i === 0 ? finer : outputs, outputs);
      addCausalBlock(shapes, `decoder.block_res_blocks.${level}.${i}`, i === 0 ? coarser : outputs, outputs);
    }
    if (halvesTime[level]) addCausal(shapes, `encoder.conv_blocks.${level}`, outputs, outputs, 3);
    if (halvesTime[level]) addCausal(shapes, `decoder.conv_blocks.${level}`, 2 * coarser, coarser, 3);
  });
  for (let i = 0; i < resBlocks; i++) {
    addCausalBlock(shapes, `encoder.res_blocks.${i}`, coarsest, coarsest);
    addCausalBlock(shapes, `decoder.res_blocks.${i}`, coarsest, coarsest);
  }
  addNorm(shapes, 'encoder.norm1', coarsest);
  addNorm(shapes, 'decoder.norm1', finest);
  addCausal(shapes, 'encoder.conv2', 2 * latentChannels, coarsest, 1);
  addCausal(shapes, 'decoder.conv_out', channels, finest, 3);
  addCausal(shapes, 'quant_conv', 2 * embedChannels, 2 * latentChannels, 1);
  addCausal(shapes, 'post_quant_conv', latentChannels, embedChannels, 1);
  return shapes;
}

function addResnet(shapes: Shapes, name: string, inputs: number, outputs: number): void {
  addNorm(shapes, `${name}.norm1`, inputs);
  addConvolution(shapes, `${name}.conv1`, outputs, inputs, 3);
  addNorm(shapes, `${name}.norm2`, outputs);
  addConvolution(shapes, `${name}.conv2`, outputs, outputs, 3);
  if (inputs !== outputs) addConvolution(shapes, `${name}.conv_shortcut`, outputs, inputs, 1);
}

function addCausalBlock(shapes: Shapes, name: string, inputs: number, outputs: number): void {
  addNorm(shapes, `${name}.norm1`, inputs);
  shapes.set(`${name}.conv1.conv.weight`, [outputs, inputs, 3, 3, 3]);
  addNorm(shapes, `${name}.norm2`, outputs);
  shapes.set(`${name}.conv2.conv.weight`, [outputs, outputs, 3, 3, 3]);
  if (inputs !== outputs) shapes.set(`${name}.conv3.conv.weight`, [outputs, inputs, 1, 1, 1]);
}

function addNorm(shapes: Shapes, name: string, channels: number): void {
  addWeightAndBias(shapes, name, [channels]);
}

function addConvolution(shapes: Shapes, name: string, outputs: number, inputs: number, kernel: number): void {
  addWeightAndBias(shapes, name, [outputs, inputs, kernel, kernel]);
}

function addCausal(shapes: Shapes, name: string, outputs: number, inputs: number, kernel: number): void {
  addWeightAndBias(shapes, `${name}.conv`, [outputs, inputs, kernel, kernel, kernel]);
}

function addWeightAndBias(shapes: Shapes, name: string, weight: readonly number[]): void {
  shapes.set(`${name}.weight`, weight).set(`${name}.bias`, [weight[0]!]);
}

function* prefixed(prefix: string, shapes: Shapes): Generator<[string, readonly number[]]> {
  for (const [name, shape] of shapes) yield [`${prefix}.${name}`, shape];
}
