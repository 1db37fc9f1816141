/**
 * Packing: the linear layers of a checkpoint as the tensors that integer kernels read.
 *
 * For a layer `name`: `name.packed` (the integers), `name.scale` (float32), and `name.balance` where it is smoothed (what
 * its input is to be multiplied by). For rows the integers are `[inputs, outputs]` and the scales `[groups, outputs]`;
 * integers of 8 bits are signed, or unsigned around 128, those of 4 bits two in a byte, first one low. For MatMulNBits they are
 * `[outputs, blocks, bytes]`, unsigned around the middle, and the scales `[outputs, blocks]`.
 *
 * Invariant: one matrix is in memory at a time.
 */
import { assertFinite } from '../finite.ts';
import { readFloat32, type Weight, type Weights } from '../weights/checkpoint.ts';
import type { TensorSource } from '../weights/safetensors.ts';
import type { LinearLayer } from './layers.ts';
import {
  integersOf,
  type Matrix,
  packNibbles,
  scalesOf,
  transpose,
  unsignedZero,
  type WeightScheme,
} from './quantize.ts';
import { blockSize, type IntegerKernel, type Recipe } from './recipe.ts';
import { rotateMatrix, rotationOf } from './rotation.ts';
import { type ActivationMaxima, scaleChannels, smoothingOf } from './smoothing.ts';

/** Part of every cache key: raised when the same weights and recipe would be packed otherwise, or not at all. */
export const packingVersion = 2;

/** What decides how layers are packed. */
export interface Packing {
  readonly recipe: Recipe;
  readonly kernel: IntegerKernel;
  readonly maxima?: ActivationMaxima;
}

/**
 * The tensors of packed layers, made one by one when they are written. Throws `not_finite` where any weight of the checkpoint
 * holds NaN or infinity: integers would make finite nonsense of it, of those that are packed and of those before them.
 */
export async function packedTensors(
  weights: Weights,
  layers: readonly LinearLayer[],
  packing: Packing,
): Promise<TensorSource[]> {
  for (const name of weights.names()) {
    const weight = weights.get(name);
    const where = `Weight ${weight.name} in ${weight.file}`;
    assertFinite(await readFloat32(weight), where, 'Copy or download the checkpoint again.');
  }
  const tensors: TensorSource[] = [];
  for (const layer of layers) tensors.push(...(await packLayer(weights.get(`${layer.name}.weight`), layer, packing)));
  return tensors;
}

async function packLayer(weight: Weight, layer: LinearLayer, packing: Packing): Promise<TensorSource[]> {
  const { recipe, kernel } = packing;
  const { matrix, factors } = await prepare(weight, layer, packing);
  const { outputs, inputs } = matrix;
  const scheme = schemeOf(recipe, kernel, inputs);
  const scales = scalesOf(matrix, scheme);
  const data = async () => {
    const integers = integersOf((await prepare(weight, layer, packing)).matrix, scales, scheme);
    if (kernel === 'blocks') return scheme.bits === 4 ? packNibbles(integers, 8) : offsetBytes(integers);
    const columns = transpose(integers, outputs, inputs);
    if (scheme.bits === 4) return packNibbles(columns);
    return kernel === 'rows' ? columns : offsetBytes(columns);
  };
  const groups = inputs / scheme.group;
  const bytes = (count: number) => (count * scheme.bits) / 8;
  const shapes =
    kernel === 'blocks'
      ? { packed: [outputs, groups, bytes(scheme.group)], scale: [outputs, groups] }
      : { packed: [inputs, bytes(outputs)], scale: [groups, outputs] };
  const tensors: TensorSource[] = [
    {
      name: `${layer.name}.packed`,
      dtype: kernel === 'rows' && scheme.bits === 8 ? 'I8' : 'U8',
      shape: shapes.packed,
      data,
    },
    {
      name: `${layer.name}.scale`,
      dtype: 'F32',
      shape: shapes.scale,
      data: kernel === 'blocks' ? scales : transpose(scales, outputs, groups),
    },
  ];
  if (factors) {
    const balance = factors.map((factor) => 1 / factor);
    tensors.push({ name: `${layer.name}.balance`, dtype: 'F32', shape: [inputs], data: balance });
  }
  return tensors;
}

/** A layer's matrix smoothed and turned as the recipe says. */
async function prepare(weight: Weight, layer: LinearLayer, { recipe, maxima }: Packing) {
  const outputs = weight.shape[0]!;
  const data = await readFloat32(weight);
  let matrix: Matrix = { data, outputs, inputs: data.length / outputs };
  const factors = smoothingOf(recipe, layer, matrix, maxima);
  if (factors) matrix = scaleChannels(matrix, factors);
  const size = rotationOf(recipe, layer.role, matrix.inputs);
  if (size) matrix = rotateMatrix(matrix, size);
  return { matrix, factors };
}

/** How a matrix is quantized: the recipe's group, or all inputs where there is none or it does not divide them. */
export function schemeOf({ weights }: Recipe, kernel: IntegerKernel, inputs: number): WeightScheme {
  const group = kernel === 'blocks' ? blockSize : (weights.group ?? inputs);
  return { bits: weights.bits, group: inputs % group === 0 ? group : inputs, clipping: weights.clipping };
}

const offsetBytes = (integers: Int8Array): Uint8Array => Uint8Array.from(integers, (integer) => integer + unsignedZero);
