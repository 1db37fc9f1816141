/** Verifies what happens before any tensor: tokens, prompt cleaning and sampling times. Texts are compared by code point. */
import { join } from 'node:path';
import * as z from 'zod';
import { nameInside } from '../../../files/names.ts';
import { readBytes } from '../../../files/read.ts';
import type { Runtime } from '../../../runtime/runtime.ts';
import type { Comparison, ReferenceCase } from '../../../verification/case.ts';
import { cleanPrompt } from '../prompt/clean.ts';
import { appendScores, defaultScores } from '../prompt/segments.ts';
import { rflowTimesteps } from '../timesteps.ts';
import { readT5Tokenizer } from '../tokenizer.ts';

const codePoints = (text: string): number[] => [...text].map((character) => character.codePointAt(0)!);

const compareText = (tensor: string, expected: string, actual: string): Comparison => ({
  tensor,
  expected: codePoints(expected),
  actual: codePoints(actual),
});

const tokenizerSchema = z.object({
  model: nameInside,
  max_length: z.int().positive(),
  rows: z.array(z.object({ text: z.string(), ids: z.array(z.int()) })),
});

const tokenizerPurpose = { what: 'the tokenizer of the reference case', todo: 'Copy or make it again.' };

/** Token numbers of each text of a `t5_tokenizer` case. */
export async function* verifyTokenizer(_: Runtime, reference: ReferenceCase): AsyncGenerator<Comparison> {
  const { model, max_length: maxLength, rows } = reference.parse(tokenizerSchema);
  const tokenizer = readT5Tokenizer(await readBytes(join(reference.folder, model), tokenizerPurpose));
  for (const [i, { text, ids }] of rows.entries()) {
    const { inputIds, attentionMask } = tokenizer.encode(text, maxLength);
    yield {
      tensor: `rows/${i}`,
      expected: ids,
      actual: [...inputIds].filter((_, position) => attentionMask[position]),
    };
  }
}

const preprocessingSchema = z.object({
  rows: z.array(
    z.object({
      prompt: z.string(),
      with_score: z.string(),
      preprocessed: z.string(),
      preprocessed_no_score: z.string().optional(),
    }),
  ),
});

/** Scores and cleaning of each prompt of a `text_preprocessing` case. */
export async function* verifyPreprocessing(_: Runtime, reference: ReferenceCase): AsyncGenerator<Comparison> {
  const { rows } = reference.parse(preprocessingSchema);
  for (const [i, row] of rows.entries()) {
    const scored = appendScores(row.prompt, defaultScores);
    yield compareText(`rows/${i}/with_score`, row.with_score, scored);
    yield compareText(`rows/${i}/preprocessed`, row.preprocessed, cleanPrompt(scored));
    if (row.preprocessed_no_score === undefined) continue;
    yield compareText(`rows/${i}/preprocessed_no_score`, row.preprocessed_no_score, cleanPrompt(row.prompt));
  }
}

const timestepsSchema = z.object({
  cases: z.array(
    z.object({
      height: z.int().positive(),
      width: z.int().positive(),
      num_frames: z.int().positive(),
      steps: z.int().positive(),
      fp32: z.array(z.number()).optional(),
    }),
  ),
});

/** The float32 sampling times of each size of an `rflow_timesteps` case. */
export async function* verifyTimesteps(_: Runtime, reference: ReferenceCase): AsyncGenerator<Comparison> {
  const { cases } = reference.parse(timestepsSchema);
  for (const { height, width, num_frames: frames, steps, fp32 } of cases) {
    if (!fp32) continue;
    const actual = rflowTimesteps({ steps, height, width, frames });
    yield { tensor: `${height}x${width} ${frames} frames ${steps} steps`, expected: fp32, actual };
  }
}
