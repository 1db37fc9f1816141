/**
 * The caption's rows for one batch: padding removed, and for classifier-free guidance a second half that sees the null
 * caption with the same number of rows, as the original does.
 */
import type { TextConditioning, TextContext } from '../../../model.ts';
import { readFloat32, type Weights } from '../../../weights/checkpoint.ts';

export interface PackedCaption {
  /** `[batch, length, channels]`, each sample's own rows first. */
  readonly states: Float32Array;
  readonly dims: readonly [number, number, number];
  /** Rows in use per sample. */
  readonly lengths: readonly number[];
}

/** The caption that stands for none, one for all prompts: what guidance steers away from. */
export async function nullCaption(weights: Weights): Promise<TextContext> {
  const embedding = weights.get('y_embedder.y_embedding');
  const [rows, channels] = embedding.shape as [number, number];
  return { states: await readFloat32(embedding), dims: [1, rows, channels] };
}

/** Packs the rows that the prompts' contexts count; an unconditional part adds its half of the batch. */
export function packCaption({ conditional: text, unconditional }: TextConditioning): PackedCaption {
  const [prompts, rows, channels] = text.dims;
  const kept = Array.from({ length: prompts }, (_, prompt) =>
    Array.from({ length: rows }, (_, row) => row).filter((row) => text.mask === undefined || text.mask[prompt]![row]),
  );
  const lengths = kept.map((list) => list.length);
  const length = Math.max(...lengths);
  const batch = unconditional ? prompts * 2 : prompts;
  const states = new Float32Array(batch * length * channels);
  const copy = (sample: number, source: Float32Array, rowsOf: readonly number[], base: number) =>
    rowsOf.forEach((row, i) => {
      const from = (base + row) * channels;
      states.set(source.subarray(from, from + channels), (sample * length + i) * channels);
    });
  kept.forEach((list, prompt) => {
    copy(prompt, text.states, list, prompt * rows);
    if (unconditional) copy(prompts + prompt, unconditional.states, list, 0);
  });
  return { states, dims: [batch, length, channels], lengths: unconditional ? [...lengths, ...lengths] : lengths };
}

/** `[batch, length]`: 1 for rows in use, 0 for padding behind them; absent where all samples fill all rows. */
export function usedRows({ dims: [batch, length], lengths }: PackedCaption): Float32Array | undefined {
  if (lengths.every((used) => used === length)) return undefined;
  return Float32Array.from({ length: batch * length }, (_, i) =>
    i % length < lengths[Math.floor(i / length)]! ? 1 : 0,
  );
}
