/** From what a caller says about size and length to pixels and latents, the model's own where the caller is silent. */
import { QuantCacheError } from '../../errors.ts';
import type { Geometry } from '../../model.ts';
import type { ClipLimits, GenerationDefaults, SizeRequest } from '../../pipeline.ts';
import {
  longestSide,
  mostFrames,
  mostPixels,
  namedSizes,
  resolveSize,
  smallestSide,
  type VaeFactors,
} from './sizes.ts';

/** What sizes follow from: the model's defaults and channels, and how much its VAE shrinks. */
export interface ModelSizes {
  readonly defaults: GenerationDefaults;
  readonly channels: number;
  readonly factors: VaeFactors;
}

/** Frames per second. */
const [slowest, fastest] = [1, 1000];

/** What `geometryOf` allows, and what the text encoder does. */
export const limitsOf = ({ factors }: Pick<ModelSizes, 'factors'>): ClipLimits => ({
  side: { least: smallestSide(factors), most: longestSide },
  mostArea: mostPixels,
  frameMultiple: factors.chunkFrames,
  mostFrames,
  fps: { least: slowest, most: fastest },
  namedSizes: namedSizes(['16:9', '1:1', '9:16']),
  negativePrompt: false,
});

/** Sizes of a clip. Throws `invalid_option`. */
export function geometryOf({ defaults, channels, factors }: ModelSizes, request: SizeRequest): Geometry {
  const fps = request.fps ?? defaults.fps;
  if (!(fps >= slowest && fps <= fastest))
    throw new QuantCacheError(
      'invalid_option',
      `${fps} frames per second were asked for; use a number from ${slowest} to ${fastest} such as 24: slower pictures are no video, and no file format shows faster ones.`,
    );
  const sized = request.size ?? request.resolution ?? request.aspect;
  const timed = request.frames ?? request.duration;
  const { height, width, frames, latentFrames, latentHeight, latentWidth } = resolveSize(
    {
      ...request,
      ...(sized === undefined && { size: `${defaults.height}x${defaults.width}` }),
      ...(timed === undefined && { frames: defaults.numFrames }),
    },
    factors,
  );
  const latent = { channels, frames: latentFrames, height: latentHeight, width: latentWidth };
  return { height, width, numFrames: frames, fps, latent };
}
