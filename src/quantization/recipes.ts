/**
 * Quantization methods of the literature as recipes: one entry each, with its paper and what is simplified here. All of
 * them run on the same kernels, so that a comparison shows the method and not the implementation.
 *
 * Named once for all: nothing is trained or reconstructed (no AdaRound, no block reconstruction, no GPTQ); activation
 * scales are found at run time, and those of a tensor per sample, where a paper has static ones; embeddings, final layer and the keys and values of
 * cross-attention stay in float32.
 */
import { linearRoles } from './layers.ts';
import { blockSize, normedLayers, type Recipe } from './recipe.ts';

/** A method under its published name. */
export interface QuantizationMethod {
  readonly paper: string;
  /** How this differs from the paper, beyond what the file's header says. */
  readonly simplified: string;
  /** The method at a number of weight bits, with 8-bit activations. */
  readonly recipe: (bits: 8 | 4) => Recipe;
}

const minMax = { bits: 8, granularity: 'sample' } as const;
const perToken = { bits: 8, granularity: 'token' } as const;
/** Balancing as SmoothQuant does by default, where it is free. */
export const smoothing = { alpha: 0.5, layers: normedLayers } as const;
/** Turning before all layers that take whole blocks of channels, as QuaRot does. */
export const rotation = { size: blockSize, layers: linearRoles } as const;

/** The methods by name. Adding one is an entry here. */
export const quantizationMethods: Readonly<Record<string, QuantizationMethod>> = {
  'q-diffusion': {
    paper: 'Q-Diffusion, arXiv 2302.04304',
    simplified: 'min-max per sample only; no split of skip connections, which a transformer does not have',
    recipe: (bits) => ({ weights: { bits }, activations: minMax }),
  },
  'q-dit': {
    paper: 'Q-DiT, arXiv 2406.17343',
    simplified: `one group size, ${blockSize}, for all layers instead of a searched one; symmetric`,
    recipe: (bits) => ({
      weights: { bits, group: blockSize },
      activations: { bits: 8, granularity: 'group' },
    }),
  },
  ptq4dit: {
    paper: 'PTQ4DiT, arXiv 2405.16005',
    simplified:
      'salience balancing with plain maxima over the calibration steps, not weighted by correlation; after norms only',
    recipe: (bits) => ({ weights: { bits }, activations: minMax, smoothing }),
  },
  smoothquant: {
    paper: 'SmoothQuant, arXiv 2211.10438',
    simplified: 'balances the layers that follow a norm, where it is free',
    recipe: (bits) => ({ weights: { bits }, activations: perToken, smoothing }),
  },
  quarot: {
    paper: 'QuaRot, arXiv 2404.00456',
    simplified: `block-diagonal rotation of ${blockSize} channels, computed online before every layer that it divides; rounding to nearest`,
    recipe: (bits) => ({
      weights: { bits },
      activations: perToken,
      rotation,
    }),
  },
  'vidit-q': {
    paper: 'ViDiT-Q, arXiv 2406.02540',
    simplified: 'one set of balancing scales for all timesteps; mixed precision is left to the policy',
    recipe: (bits) => ({
      weights: { bits },
      activations: perToken,
      smoothing,
      rotation,
    }),
  },
};
