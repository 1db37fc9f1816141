/** Verifies what happens before any tensor: tokens, prompt cleaning and sampling times. Texts are compared by code point. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Runtime } from '../../../runtime/runtime.ts';
import { rflowTimesteps } from '../../../samplers/timesteps.ts';
import type { Comparison, ReferenceCase } from '../../../verification/case.ts';
import { cleanPrompt } from '../prompt/clean.ts';
import { appendScores, defaultScores } from '../prompt/segments.ts';
import { readT5Tokenizer } from '../tokenizer.ts';

const codePoints = (text: string): number[] => [...text].map((character) => character.codePointAt(0)!);

const compareText = (tensor: string, expected: string, actual: string): Comparison => ({
  tensor,
  expected: codePoints(expected),
  actual: codePoints(actual),
});

interface TokenizerJson {
  readonly model: string;
  readonly max_length: number;
  readonly rows: readonly { readonly text: string; readonly ids: readonly number[] }[];
}

/** Token numbers of each text of a `t5_tokenizer` case. */
export async function* verifyTokenizer(_: Runtime, reference: ReferenceCase): AsyncGenerator<Comparison> {
  const { model, max_length: maxLength, rows } = reference.json as unknown as TokenizerJson;
  const tokenizer = readT5Tokenizer(await readFile(join(reference.folder, model)));
  for (const [i, { text, ids }] of rows.entries()) {
    const { inputIds, attentionMask } = tokenizer.encode(text, maxLength);
    yield {
      tensor: `rows/${i}`,
      expected: ids,
      actual: [...inputIds].filter((_, position) => attentionMask[position]),
    };
  }
}

interface PreprocessingRow {
  readonly prompt: string;
  readonly with_score: string;
  readonly preprocessed: string;
  readonly preprocessed_no_score?: string;
}

/** Scores and cleaning of each prompt of a `text_preprocessing` case. */
export async function* verifyPreprocessing(_: Runtime, reference: ReferenceCase): AsyncGenerator<Comparison> {
  const { rows } = reference.json as unknown as { rows: readonly PreprocessingRow[] };
  for (const [i, row] of rows.entries()) {
    const scored = appendScores(row.prompt, defaultScores);
    yield compareText(`rows/${i}/with_score`, row.with_score, scored);
    yield compareText(`rows/${i}/preprocessed`, row.preprocessed, cleanPrompt(scored));
    if (row.preprocessed_no_score === undefined) continue;
    yield compareText(`rows/${i}/preprocessed_no_score`, row.preprocessed_no_score, cleanPrompt(row.prompt));
  }
}

interface TimestepCase {
  readonly height: number;
  readonly width: number;
  readonly num_frames: number;
  readonly steps: number;
  readonly fp32?: readonly number[];
}

/** The float32 sampling times of each size of an `rflow_timesteps` case. */
export async function* verifyTimesteps(_: Runtime, reference: ReferenceCase): AsyncGenerator<Comparison> {
  const { cases } = reference.json as unknown as { cases: readonly TimestepCase[] };
  for (const { height, width, num_frames: frames, steps, fp32 } of cases) {
    if (!fp32) continue;
    const actual = rflowTimesteps({ steps, height, width, frames });
    yield { tensor: `${height}x${width} ${frames} frames ${steps} steps`, expected: fp32, actual };
  }
}
