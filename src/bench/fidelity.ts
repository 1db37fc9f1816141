/** How far a clip is from its reference. Runs between clips, where nothing is timed. */

import { featureDistance, psnr, relativeL2, ssim } from '../api/metrics.ts';
import { framesToTensor } from '../api/video.ts';
import type { Frames, Pipeline } from '../index.ts';
import type { MadeClip } from './clip.ts';
import type { Fidelity } from './comparison.ts';

/** 10 log10(255^2 / one level in a whole clip) is below this; equal clips get it. */
const equalPsnr = 120;

/** Compares two clips by their pixels, by their latents, and by what the pipeline's own encoder sees, where it has one. */
export async function fidelityOf(
  pipeline: Pick<Pipeline, 'pixels'>,
  reference: Pick<MadeClip, 'frames' | 'latents'>,
  made: Pick<MadeClip, 'frames' | 'latents'>,
  signal?: AbortSignal,
): Promise<Fidelity> {
  const features = (frames: Frames) => pipeline.pixels.features!(clipOf(frames), signal);
  return {
    psnr: Math.min(equalPsnr, psnr(reference.frames.data, made.frames.data)),
    ssim: ssim(reference.frames, made.frames),
    relativeL2: relativeL2(reference.latents, made.latents),
    ...(pipeline.pixels.features && {
      featureDistance: await featureDistance(features(reference.frames), features(made.frames)),
    }),
  };
}

/** Pixels as the encoder takes them: what was saved, not what was decoded. */
const clipOf = (frames: Frames) => ({
  data: framesToTensor(frames),
  channels: 3,
  frames: frames.count,
  height: frames.height,
  width: frames.width,
});
