/** What a clip starts from: noise, with the latents of references copied in where a mask strategy says so. */
import { type Clip, concatFrames, sliceFrames } from './clip.ts';
import type { Geometry } from './model.ts';
import { applyMaskStrategy } from './samplers/mask.ts';
import type { RandomGenerator } from './samplers/random.ts';

export interface ConditioningOptions {
  /** Latents to copy from, per prompt. */
  readonly references: readonly (readonly Clip[])[];
  /** How, one per prompt, in the notation of `samplers/mask.ts`. */
  readonly strategies: readonly string[];
  readonly loop: number;
}

/** Noise `[prompts, ...latent]` with references copied in, and the mask that keeps them; no mask where nothing is kept. */
export function conditionedNoise(
  geometry: Geometry,
  generator: RandomGenerator,
  { references, strategies, loop }: ConditioningOptions,
): { noise: Float32Array; mask?: number[][] } {
  const { channels, frames, height, width } = geometry.latent;
  const plane = height * width;
  const noise = generator.randn(strategies.length * channels * frames * plane);
  if (strategies.every((strategy) => strategy === '')) return { noise };
  const referenceFrames = references.map((clips) => clips.map((clip) => clip.frames));
  const plan = applyMaskStrategy(strategies, referenceFrames, { latentFrames: frames, loop });
  const samples = samplesOf(noise, geometry, strategies.length);
  for (const { sample, reference, referenceStart, targetStart, length } of plan.copies) {
    const part = sliceFrames(references[sample]![reference]!, referenceStart, referenceStart + length);
    for (let channel = 0; channel < channels; channel++) {
      const source = part.data.subarray(channel * length * plane, (channel + 1) * length * plane);
      samples[sample]!.data.set(source, (channel * frames + targetStart) * plane);
    }
  }
  return { noise, mask: plan.mask };
}

/** A batch as one clip per prompt, sharing its memory. */
export function samplesOf(latents: Float32Array, { latent }: Geometry, prompts: number): Clip[] {
  const size = latents.length / prompts;
  return Array.from({ length: prompts }, (_, i) => ({ ...latent, data: latents.subarray(i * size, (i + 1) * size) }));
}

/** The clips of a loop as one: later ones begin with the end of the one before, which is dropped. */
export function joinLoops(clips: readonly Clip[], overlap: number): Clip {
  return concatFrames(clips.map((clip, loop) => (loop === 0 ? clip : sliceFrames(clip, overlap))));
}
