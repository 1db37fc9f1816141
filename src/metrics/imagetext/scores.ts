/**
 * CLIPSIM and CLIP-Temp, as papers on quantized video models report them (EvalCrafter, Liu et al. 2023, arXiv 2310.11440):
 * the mean cosine of the embeddings of frames and caption, and the mean cosine of the embeddings of neighbouring frames.
 * As cosines, not times 100.
 */
import { QuantCacheError } from '../../errors.ts';
import { type Frames, frameAt } from '../../video/frames.ts';
import type { ImageTextModel } from './model.ts';

/** How a CLIP model judges one clip, or a mean over several. */
export interface ImageTextScores {
  /** Name of the CLIP model; scores of different ones cannot be compared. */
  readonly model: string;
  /** Likeness of frames and caption. */
  readonly clipSim: number;
  /** Likeness of neighbouring frames; 1 for a single frame. */
  readonly clipTemp: number;
}

/** Scores a clip against its caption. */
export async function imageTextScores(
  model: ImageTextModel,
  frames: Frames,
  caption: string,
  signal?: AbortSignal,
): Promise<ImageTextScores> {
  const text = await model.embedText(caption);
  const images: Float32Array[] = [];
  for (let index = 0; index < frames.count; index++) {
    const picture = { width: frames.width, height: frames.height, data: frameAt(frames, index) };
    images.push(await model.embedImage(picture, signal));
  }
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const steps = images.slice(1).map((image, i) => cosine(images[i]!, image));
  return {
    model: model.name,
    clipSim: mean(images.map((image) => cosine(image, text))),
    clipTemp: steps.length > 0 ? mean(steps) : 1,
  };
}

/** The cosine of two vectors; throws `not_finite` where it has none. */
export function cosine(a: Float32Array, b: Float32Array): number {
  let [aa, ab, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    aa += a[i]! ** 2;
    ab += a[i]! * b[i]!;
    bb += b[i]! ** 2;
  }
  const value = ab / Math.sqrt(aa * bb);
  if (Number.isFinite(value)) return value;
  throw new QuantCacheError('not_finite', 'A CLIP embedding is zero or not finite, so it has no direction to compare.');
}
