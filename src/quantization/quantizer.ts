/**
 * From a checkpoint to what a precision computes with: its weights, packed on first use and cached on disk, and the way
 * its linear layers are written.
 *
 * Invariants: float32 sees the checkpoint untouched; one file per checkpoint content, recipe, kernel and set of maxima, in
 * `quantized` of the cache, found again by any process.
 */
import { createHash } from 'node:crypto';
import { QuantCacheError } from '../errors.ts';
import type { Precision } from '../model.ts';
import { linearFp32 } from '../nn/linear.ts';
import type { LinearWriter } from '../nn/scope.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { type Cache, openCache } from '../weights/cache.ts';
import { type Weights, weightsOf } from '../weights/checkpoint.ts';
import { openDerived } from '../weights/derived.ts';
import { hashWeights } from '../weights/hash.ts';
import type { LinearLayer } from './layers.ts';
import { integerLinear } from './linear.ts';
import { packedTensors, packingVersion } from './pack.ts';
import { blockSize, defaultRecipes, type IntegerPrecision, isInteger, kernelOf, type Recipe } from './recipe.ts';
import type { ActivationMaxima } from './smoothing.ts';

/** Departures from the default recipes. */
export interface QuantizationOptions {
  /** What a precision means, where not the default. */
  readonly recipes?: Partial<Readonly<Record<IntegerPrecision, Recipe>>>;
  /** Largest activations, for recipes that smooth. */
  readonly maxima?: ActivationMaxima;
  /** What the model itself brings of both, asked for where a precision has no recipe above. */
  readonly own?: () => Promise<Pick<QuantizationOptions, 'recipes' | 'maxima'>>;
  /** Where packed weights are kept. Default: in `QUANTCACHE_HOME`. */
  readonly cache?: Cache;
}

/** What a precision computes with. */
export interface Numerics {
  /** The checkpoint's weights and, for integers, `name.packed`, `name.scale` and `name.balance` of its linear layers. */
  readonly weights: Weights;
  readonly linear: LinearWriter;
  /** Integers: sessions want their weights laid out for the kernel, and exactness to the last bit is given up. */
  readonly integer: boolean;
  /** What may be computed apart with the same result: rows, or only whole samples, whose rows then must be together. */
  readonly apart: 'rows' | 'samples';
}

export interface Quantizer {
  /** What a precision computes with; packs the weights if nobody has before. Throws `unsupported_precision`. */
  prepare(precision: Precision): Promise<Numerics>;
}

/** A quantizer of the linear layers of a checkpoint. Nothing happens before it is asked. */
export function createQuantizer(
  weights: Weights,
  layers: readonly LinearLayer[],
  target: Pick<Runtime, 'backend' | 'integerProducts'>,
  options: QuantizationOptions = {},
): Quantizer {
  const prepared = new Map<Precision, Promise<Numerics>>();
  return {
    prepare(precision) {
      let numerics = prepared.get(precision);
      if (!numerics) {
        numerics = numericsOf(precision, { weights, layers, target, options });
        numerics.catch(() => prepared.delete(precision));
        prepared.set(precision, numerics);
      }
      return numerics;
    },
  };
}

interface Source {
  readonly weights: Weights;
  readonly layers: readonly LinearLayer[];
  readonly target: Pick<Runtime, 'backend' | 'integerProducts'>;
  readonly options: QuantizationOptions;
}

async function numericsOf(precision: Precision, source: Source): Promise<Numerics> {
  const { weights, layers, target, options } = source;
  if (precision === 'fp32') return { weights, linear: linearFp32, integer: false, apart: 'rows' };
  if (!isInteger(precision)) {
    const known = ['fp32', ...Object.keys(defaultRecipes)].join(', ');
    const message = `Precision ${precision} is not available; choose one of: ${known}.`;
    throw new QuantCacheError('unsupported_precision', message);
  }
  const asked = options.recipes?.[precision];
  const own = asked ? undefined : await options.own?.();
  const recipe = asked ?? own?.recipes?.[precision] ?? defaultRecipes[precision];
  const kernel = kernelOf(recipe, target);
  if (kernel === 'blocks') checkBlocks(weights, layers, precision, recipe);
  const maxima = recipe.smoothing && (options.maxima ?? own?.maxima);
  const cache = options.cache ?? openCache();
  const files = [...new Set(layers.map(({ name }) => weights.get(`${name}.weight`).file))];
  const content = await hashWeights({ files }, { cache });
  const key = JSON.stringify({
    version: packingVersion,
    content,
    layers,
    recipe: packed(recipe),
    kernel,
    maxima: digest(maxima),
  });
  const name = createHash('sha256').update(key).digest('hex').slice(0, 32);
  const checkpoint = await openDerived(
    `quantized/${name}.safetensors`,
    () => packedTensors(weights, layers, { recipe, kernel, maxima }),
    { key, cache },
  );
  const overlay = [weights, checkpoint].flatMap((list) => list.names().map((tensor) => list.get(tensor)));
  const apart = recipe.activations.granularity === 'sample' ? 'samples' : 'rows';
  return { weights: weightsOf(overlay), linear: integerLinear(recipe, kernel, layers), integer: true, apart };
}

/** The part of a recipe that packed weights depend on: recipes that differ elsewhere share a file. */
const packed = ({ weights, smoothing, rotation }: Recipe) => ({ weights, smoothing, rotation });

function digest(maxima: ActivationMaxima | undefined): string | undefined {
  if (!maxima) return undefined;
  const hash = createHash('sha256');
  for (const [name, values] of [...maxima].sort(([a], [b]) => (a < b ? -1 : 1))) hash.update(name).update(values);
  return hash.digest('hex');
}

function checkBlocks(weights: Weights, layers: readonly LinearLayer[], precision: Precision, recipe: Recipe): void {
  const unfit = layers.find(({ name }) => weights.get(`${name}.weight`).shape[1]! % blockSize !== 0);
  if (unfit === undefined && recipe.activations.bits === 8) return;
  const reason = unfit
    ? `${unfit.name} does not take a multiple of ${blockSize} channels`
    : 'it has no 6-bit activations';
  throw new QuantCacheError(
    'unsupported_precision',
    `Precision ${precision} cannot run on the block kernel of this backend or recipe: ${reason}. Use fp32.`,
  );
}
