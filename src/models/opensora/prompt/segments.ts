/**
 * What a prompt says besides its text, and its way to the text encoder:
 *
 *     |0|a calm sea|2|a storm {"reference_path": "sea.png", "mask_strategy": "0"}
 *
 * From the first `{` on it is JSON about conditioning; a text that begins with `|0|` has a segment per clip of a looped
 * generation, each from the clip that it names; scores that the model was trained with are appended; then it is cleaned.
 * Reference: opensora/utils/inference_utils.py, `extract_json_from_prompts`, `split_prompt`, `append_score_to_prompts`,
 * `extract_prompts_loop`; scripts/inference.py for the order.
 */

import { z } from 'zod';
import { QuantCacheError } from '../../../errors.ts';
import { jsonFault, parseStrictJson } from '../../../files/strictjson.ts';
import { issuesOf } from '../../../refusals.ts';
import { cleanPrompt } from './clean.ts';
import { strip } from './python-pattern.ts';
import { removedText } from './removed.ts';

/** A text and the first clip of a looped generation, from 0, that it is for. */
export interface PromptSegment {
  firstLoop: number;
  text: string;
}

/** A segment as the text encoder gets it. */
export interface PreparedSegment extends PromptSegment {
  /** The text alone, without scores, cleaned. */
  cleaned: string;
  /** What cleaning took out of it. */
  removed: string[];
}

/** A prompt taken apart. */
export interface ParsedPrompt {
  segments: PromptSegment[];
  /** Files to condition on, numbered as the mask strategy names them. */
  references: string[];
  /** See mask.ts; empty for none. */
  maskStrategy: string;
}

/** A prompt taken apart, texts ready for the tokenizer. */
export interface PreparedParts extends Omit<ParsedPrompt, 'segments'> {
  segments: PreparedSegment[];
}

/** Suffixes that steer the model as its training captions did; `null` leaves one out. */
export interface PromptScores {
  /** Beauty, about 4 to 7. */
  aesthetic?: number | null;
  /** Amount of motion, about 0 to 20. */
  motion?: number | null;
  /** For example `pan left` or `zoom in`. */
  camera?: string | null;
}

/** Far above the scores of any training caption. */
const largestScore = 1000;

/** The scores of the original's default configuration. */
export const defaultScores: PromptScores = { aesthetic: 6.5 };

const conditioning = z.strictObject({ reference_path: z.string().optional(), mask_strategy: z.string().optional() });
const example = '{"reference_path": "image.png", "mask_strategy": "0"}';

/** Takes a prompt apart and makes its texts ready for the tokenizer. */
export function preparePrompt(prompt: string, scores: PromptScores = defaultScores): PreparedParts {
  const parsed = parsePrompt(prompt);
  const ofCamera = removedFromCamera(scores.camera ?? '');
  const segments = parsed.segments.map(({ firstLoop, text }) => {
    const cleaned = cleanPrompt(text);
    if (cleaned === '') refuseEmpty(text, parsed.segments.length > 1 || text !== prompt ? firstLoop : undefined);
    return {
      firstLoop,
      text: cleanPrompt(appendScores(text, scores)),
      cleaned,
      removed: [...removedText(text, cleaned), ...ofCamera],
    };
  });
  return { ...parsed, segments };
}

/** What cleaning takes out of the words on the camera; throws `invalid_option` where nothing is left of them. */
function removedFromCamera(camera: string): string[] {
  const cleaned = cleanPrompt(camera);
  if (camera !== '' && cleaned === '')
    throw new QuantCacheError(
      'invalid_option',
      `The camera motion ${JSON.stringify(abridged(camera))} is empty after cleaning; describe it in English, such as "zoom in".`,
    );
  return removedText(camera, cleaned);
}

/** A model that is told nothing makes a clip of anything, so that nobody notices. */
function refuseEmpty(text: string, loop: number | undefined): never {
  const where = loop === undefined ? 'The prompt' : `The prompt's text for clip ${loop}`;
  if (strip(text) === '')
    throw new QuantCacheError('invalid_option', `${where} is empty; describe what the video is to show.`);
  throw new QuantCacheError(
    'invalid_option',
    `${where}, ${JSON.stringify(abridged(text))}, is empty after the cleaning that the model was trained with, which removes addresses, HTML, Chinese characters, most symbols and words such as "free shipping". Describe in English what the video is to show.`,
  );
}

const abridged = (text: string): string => (text.length > 80 ? `${text.slice(0, 80)}...` : text);

/** Takes a prompt apart, texts as written. */
export function parsePrompt(prompt: string): ParsedPrompt {
  const brace = prompt.indexOf('{');
  const { reference_path: path = '', mask_strategy: maskStrategy = '' } =
    brace < 0 ? {} : parseTail(prompt.slice(brace));
  return {
    segments: splitSegments(brace < 0 ? prompt : prompt.slice(0, brace)),
    references: path === '' ? [] : path.split(';'),
    maskStrategy,
  };
}

function parseTail(tail: string): z.infer<typeof conditioning> {
  try {
    return conditioning.parse(parseStrictJson(tail));
  } catch (error) {
    const reason = error instanceof z.ZodError ? issuesOf(error) : jsonFault(error);
    throw new QuantCacheError(
      'invalid_option',
      `From the first "{" on, a prompt must be JSON such as ${example}; found ${abridged(tail)} (${reason}). Remove the brace or correct the JSON.`,
      { cause: error },
    );
  }
}

/** The segments of a text such as `|0|a calm sea|2|a storm`; a text that does not begin with `|0|` is one segment. */
export function splitSegments(text: string): PromptSegment[] {
  if (!text.startsWith('|0|')) return [{ firstLoop: 0, text }];
  const fields = text.split('|').slice(1);
  const segments: PromptSegment[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    const written = fields[i]!.trim();
    const previous = segments.at(-1)?.firstLoop ?? -1;
    const body = fields[i + 1];
    if (!/^\d{1,6}$/.test(written) || Number(written) <= previous || body === undefined) {
      throw new QuantCacheError(
        'invalid_option',
        `Prompt segment "|${written}|" is not possible; write |0|text|1|text with ascending clip numbers and no other "|".`,
      );
    }
    segments.push({ firstLoop: Number(written), text: strip(body) });
  }
  return segments;
}

/** The text for one clip of a looped generation: that of the last segment that has begun. */
export function segmentFor(segments: readonly PromptSegment[], loop: number): string {
  return segments.findLast(({ firstLoop }) => firstLoop <= loop)?.text ?? '';
}

/** The text with the scores that it does not mention itself. */
export function appendScores(text: string, { aesthetic, motion, camera }: PromptScores): string {
  let scored = text;
  const append = (name: string, value: string | null | undefined) => {
    if (value !== null && value !== undefined && !text.includes(`${name}:`)) scored += ` ${name}: ${value}.`;
  };
  append('aesthetic score', oneDecimal(aesthetic));
  append('motion score', oneDecimal(motion));
  append('camera motion', camera);
  return scored;
}

/** Python's `f'{value:.1f}'`, which rounds ties to even: 6.25 is 6.2, not 6.3 as `toFixed` has it. */
function oneDecimal(value: number | null | undefined): string | null {
  if (value === null || value === undefined) return null;
  if (!(Math.abs(value) <= largestScore)) {
    throw new QuantCacheError(
      'invalid_option',
      `A score of ${value} is not possible; use a number up to ${largestScore} such as 6.5, or none.`,
    );
  }
  const isTie = Number.isInteger(value * 4) && (value * 4) % 2 !== 0;
  const below = Math.floor(value * 10);
  return (isTie ? (below + Math.abs(below % 2)) / 10 : value).toFixed(1);
}
