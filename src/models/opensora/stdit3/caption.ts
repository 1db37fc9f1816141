/**
 * The caption's rows for one batch: padding removed, and for classifier-free guidance a second half that sees the null
 * caption with the same number of rows, as the original does.
 */
import type { TextContext } from '../../../model.ts';

export interface PackedCaption {
  /** `[batch, length, channels]`, each sample's own rows first. */
  readonly states: Float32Array;
  readonly dims: readonly [number, number, number];
  /** Rows in use per sample. */
  readonly lengths: readonly number[];
}

/** Packs the rows that a text context counts; `nullCaption` (`[rows, channels]`) adds the unconditional half. */
export function packCaption(text: TextContext, nullCaption?: Float32Array): PackedCaption {
  const [prompts, rows, channels] = text.dims;
  const kept = Array.from({ length: prompts }, (_, prompt) =>
    Array.from({ length: rows }, (_, row) => row).filter((row) => text.mask === undefined || text.mask[prompt]![row]),
  );
  const lengths = kept.map((list) => list.length);
  const length = Math.max(...lengths);
  const batch = nullCaption ? prompts * 2 : prompts;
  const states = new Float32Array(batch * length * channels);
  const copy = (sample: number, source: Float32Array, rowsOf: readonly number[], base: number) =>
    rowsOf.forEach((row, i) => {
      const from = (base + row) * channels;
      states.set(source.subarray(from, from + channels), (sample * length + i) * channels);
    });
  kept.forEach((list, prompt) => {
    copy(prompt, text.states, list, prompt * rows);
    if (nullCaption) copy(prompts + prompt, nullCaption, list, 0);
  });
  return { states, dims: [batch, length, channels], lengths: nullCaption ? [...lengths, ...lengths] : lengths };
}

/** `[batch, 1, 1, length]`: 0 for rows in use, minus infinity for padding; absent where all samples fill all rows. */
export function paddingBias({ dims: [batch, length], lengths }: PackedCaption): Float32Array | undefined {
  if (lengths.every((used) => used === length)) return undefined;
  return Float32Array.from({ length: batch * length }, (_, i) =>
    i % length < lengths[Math.floor(i / length)]! ? 0 : -1e30,
  );
}
