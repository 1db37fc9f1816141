/** Clips of a batch, one by one: what each of them starts from, for policies that decide by what a clip does. */
import type { TextConditioning, TextContext } from './model.ts';
import type { Start } from './pipeline.ts';

/** What the clips of a batch start from, and what they are conditioned on. */
export interface Batch extends Start {
  readonly text: TextConditioning;
}

/** One clip of so many as a batch of its own. */
export function clipOf({ text, latents, mask }: Batch, clip: number, clips: number): Batch {
  const size = latents.length / clips;
  const { conditional, unconditional } = text;
  return {
    text: {
      conditional: rowOf(conditional, clip),
      ...(unconditional && { unconditional: rowOf(unconditional, clip) }),
    },
    latents: latents.subarray(clip * size, (clip + 1) * size),
    ...(mask && { mask: [mask[clip]!] }),
  };
}

/** The text of one prompt; one row for all prompts is everyone's. */
function rowOf(text: TextContext, prompt: number): TextContext {
  const [rows, length, channels] = text.dims;
  if (rows === 1) return text;
  const size = length * channels;
  return {
    states: text.states.subarray(prompt * size, (prompt + 1) * size),
    dims: [1, length, channels],
    ...(text.mask && { mask: [text.mask[prompt]!] }),
  };
}

/** The latents of clips as those of their batch. */
export function joinLatents(clips: readonly Float32Array[]): Float32Array {
  const size = clips[0]!.length;
  const joined = new Float32Array(clips.length * size);
  for (const [i, clip] of clips.entries()) joined.set(clip, i * size);
  return joined;
}
