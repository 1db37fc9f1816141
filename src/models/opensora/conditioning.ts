/**
 * What the clips of a generation start from: noise, with the latents of references copied in where a mask strategy says
 * so. References are encoded once; the end of a clip becomes one more reference of the clip that continues it.
 */
import { type Clip, samplesOf, sliceFrames } from '../../clip.ts';
import type { Geometry } from '../../model.ts';
import type { Conditioning, ConditionRequest, Start } from '../../pipeline.ts';
import { createRunState } from '../../state.ts';
import { appendLoopCondition, applyMaskStrategy, parseMaskStrategy } from './mask.ts';
import { readOpenSoraOptions } from './options.ts';
import { parsePrompt } from './prompt/segments.ts';

/** Pixels to latents, sampled from their distribution with `randn`. */
type Encode = (clip: Clip, randn: (count: number) => Float32Array, signal?: AbortSignal) => Promise<Clip>;

/** How references are used where nobody says: the first frame of the first one is kept. */
const keepFirstFrame = '0';

/** Conditions the clips of one generation. Throws `invalid_option` for strategies that cannot be read. */
export function conditionClips(encode: Encode, request: ConditionRequest): Conditioning {
  const { geometry, prompts, references = [], randn, signal, state = createRunState() } = request;
  const { maskStrategies } = readOpenSoraOptions(request.options);
  const strategies = prompts.map(
    (prompt, i) =>
      maskStrategies?.[i] ?? (parsePrompt(prompt).maskStrategy || (references[i]?.length ? keepFirstFrame : '')),
  );
  strategies.forEach(parseMaskStrategy);
  const known = state.data('references', { strategies, encoded: prompts.map((): Clip[] => []), loop: 0 });
  return {
    async next(before) {
      const { encoded, loop } = known;
      const pixels = before ? before.map((clip) => [clip]) : references;
      for (const [i, clips] of pixels.entries()) {
        for (const clip of clips) encoded[i]!.push(await encode(clip, randn, signal));
      }
      if (before)
        known.strategies = known.strategies.map((strategy, i) =>
          appendLoopCondition(strategy, { loop, reference: encoded[i]!.length - 1 }),
        );
      return startOf(geometry, randn, { references: encoded, strategies: known.strategies, loop: known.loop++ });
    },
  };
}

interface Given {
  /** Latents to copy from, per prompt. */
  readonly references: readonly (readonly Clip[])[];
  /** How, one per prompt, in the notation of `mask.ts`. */
  readonly strategies: readonly string[];
  readonly loop: number;
}

/** Noise `[prompts, ...latent]` with references copied in, and the mask that keeps them; no mask where nothing is kept. */
function startOf({ latent }: Geometry, randn: ConditionRequest['randn'], given: Given): Start {
  const { references, strategies, loop } = given;
  const { channels, frames, height, width } = latent;
  const plane = height * width;
  const latents = randn(strategies.length * channels * frames * plane);
  if (strategies.every((strategy) => strategy === '')) return { latents };
  const referenceFrames = references.map((clips) => clips.map((clip) => clip.frames));
  const plan = applyMaskStrategy(strategies, referenceFrames, { latentFrames: frames, loop });
  const samples = samplesOf(latents, latent, strategies.length);
  for (const { sample, reference, referenceStart, targetStart, length } of plan.copies) {
    const part = sliceFrames(references[sample]![reference]!, referenceStart, referenceStart + length);
    for (let channel = 0; channel < channels; channel++) {
      const source = part.data.subarray(channel * length * plane, (channel + 1) * length * plane);
      samples[sample]!.data.set(source, (channel * frames + targetStart) * plane);
    }
  }
  return { latents, mask: plan.mask };
}
