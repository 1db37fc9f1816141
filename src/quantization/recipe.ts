/**
 * How numbers are quantized, as data: a method of the literature or of our own is one `Recipe`, and the same packing and
 * the same kernels serve them all. What each precision means unless told otherwise is here too.
 *
 * w4a8 and w4a6 keep weights in 4 bits on disk; on a CPU both multiply in int8, so they are no faster than w8a8.
 */
import * as z from 'zod';
import type { Precision } from '../model.ts';
import type { Backend, Runtime } from '../runtime/runtime.ts';
import { type LinearRole, linearRoles } from './layers.ts';

/** The precisions that compute in integers. */
export type IntegerPrecision = Extract<Precision, 'w8a8' | 'w4a8' | 'w4a6'>;

const layersSchema = z.array(z.enum(linearRoles)).readonly();

/** Hadamard matrices are built by doubling. */
const powerOfTwo = z
  .int()
  .min(2)
  .max(2 ** 16)
  .refine((size) => Number.isInteger(Math.log2(size)), 'must be a power of two such as 64');

/** The schema of a recipe, for model folders that say what a precision means for them. */
export const recipeSchema = z.strictObject({
  weights: z.strictObject({
    bits: z.literal([8, 4]),
    /** Input channels that share a scale, per output channel; all of them where it is absent or does not divide. */
    group: z.int().positive().optional(),
    /** `search` tries smaller ranges than the largest weight's and keeps the one of least squared error. */
    clipping: z.enum(['none', 'search']).optional(),
  }),
  activations: z.strictObject({
    bits: z.literal([8, 6]),
    /**
     * What shares a scale: a row, all rows of a sample of the batch, or 128 channels of a row. All scales are found at run
     * time. One scale per sample is the fastest on a CPU and takes 8 bits; it suits models whose rows are about equally
     * large. None spans samples, so that no clip depends on those that are made beside it.
     */
    granularity: z.enum(['token', 'sample', 'group']),
    /** Layers whose input is nearly never negative, as after GELU: most of the levels of a row go to its positive side. */
    oneSided: layersSchema.optional(),
  }),
  /** SmoothQuant: channels of `layers` are divided by max|X|^alpha / max|W|^(1 - alpha), their weights multiplied. */
  smoothing: z.strictObject({ alpha: z.number().min(0).max(1), layers: layersSchema }).optional(),
  /** Inputs and weights of `layers` are turned by a block-diagonal Hadamard matrix of this size, a power of two. */
  rotation: z.strictObject({ size: powerOfTwo, layers: layersSchema }).optional(),
});

export type Recipe = z.output<typeof recipeSchema>;

/** What some precisions mean. */
export const recipesSchema = z.partialRecord(z.enum(['w8a8', 'w4a8', 'w4a6']), recipeSchema);

/** Channels that share an activation scale in the block kernel, and the least multiple that it takes. */
export const blockSize = 128;

/** Layers right after an adaptive norm, into whose scale and shift a smoothing factor can be folded at no cost. */
export const normedLayers = ['attention-input', 'feed-forward-input'] as const satisfies readonly LinearRole[];

const token8 = { bits: 8, granularity: 'token', oneSided: ['feed-forward-output'] } as const;
const weights4 = { bits: 4, group: blockSize, clipping: 'search' } as const;

/** What each precision means by default: dynamic, nothing calibrated. */
export const defaultRecipes: Readonly<Record<IntegerPrecision, Recipe>> = {
  w8a8: { weights: { bits: 8 }, activations: token8 },
  w4a8: { weights: weights4, activations: token8 },
  w4a6: { weights: weights4, activations: { ...token8, bits: 6 } },
};

/** Whether a precision computes in integers. */
export const isInteger = (precision: Precision): precision is IntegerPrecision =>
  Object.hasOwn(defaultRecipes, precision);

/**
 * What multiplies integers: `rows` uint8 rows by int8 columns; `unsigned-rows` the same by columns of uint8 around 128,
 * exact where products of signed ones saturate, and slower; `blocks` is MatMulNBits, which quantizes activations per 128
 * channels itself.
 */
export type IntegerKernel = 'rows' | 'unsigned-rows' | 'blocks';

/** The kernel that a recipe runs on. GPUs have only `blocks`. */
export function kernelOf(
  { activations }: Recipe,
  { backend, integerProducts }: Pick<Runtime, 'backend' | 'integerProducts'>,
): IntegerKernel {
  if (backend !== 'cpu' || activations.granularity === 'group') return 'blocks';
  return integerProducts === 'exact' ? 'rows' : 'unsigned-rows';
}

/** In what a precision is only simulated by a backend, or undefined where it runs as its name says. */
export function simulation(precision: Precision, backend: Backend): string | undefined {
  if (precision === 'w4a6') return 'activations have 64 levels but are multiplied as 8-bit integers';
  if (isInteger(precision) && backend === 'cuda') return 'activations stay in floating point';
  return undefined;
}

/** Whether a precision must not be counted as a speed-up of its own on a backend. Reports use it. */
export const isSimulated = (precision: Precision, backend: Backend): boolean =>
  simulation(precision, backend) !== undefined;
