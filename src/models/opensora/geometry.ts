/** From what a caller says about size and length to pixels and latents, the model's own where the caller is silent. */
import { QuantCacheError } from '../../errors.ts';
import type { Geometry } from '../../model.ts';
import type { GenerationDefaults, SizeRequest } from '../../pipeline.ts';
import { resolveSize, type VaeFactors } from './sizes.ts';

/** What sizes follow from: the model's defaults and channels, and how much its VAE shrinks. */
export interface ModelSizes {
  readonly defaults: GenerationDefaults;
  readonly channels: number;
  readonly factors: VaeFactors;
}

/** Sizes of a clip. Throws `invalid_option`. */
export function geometryOf({ defaults, channels, factors }: ModelSizes, request: SizeRequest): Geometry {
  const fps = request.fps ?? defaults.fps;
  if (!(fps > 0))
    throw new QuantCacheError(
      'invalid_option',
      `${fps} frames per second were asked for; use a positive number such as 24.`,
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
