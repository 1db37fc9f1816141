/**
 * Reading a T5 tokenizer from either of its two file formats into one structure: SentencePiece's own `spiece.model`
 * (protobuf) and Hugging Face's `tokenizer.json`.
 *
 * Invariants: only what T5 uses is accepted: a unigram model without byte fallback or user-defined pieces, text that is
 * normalized by a precompiled charsmap, spaces that are collapsed and written as a leading `▁`. All else is refused, never
 * approximated. Only six fields of the protobuf are read, so its schema is not compiled but read by field number.
 * Reference: sentencepiece/src/sentencepiece_model.proto; transformers, `T5Tokenizer`.
 */

import { BinaryReader } from '@bufbuild/protobuf/wire';
import { z } from 'zod';
import { QuantCacheError } from '../../../errors.ts';
import { parseJson } from '../../../files/json.ts';

/** A T5 tokenizer as stored. */
export interface TokenizerModel {
  /** All pieces by id, and their log-probabilities. */
  pieces: string[];
  scores: number[];
  /** Pieces that ordinary text may be split into. */
  isSearchable: boolean[];
  unknownId: number;
  /** See charsmap.ts; empty for none. */
  charsmap: Uint8Array;
  /** Tokens that are recognised literally in text before it is split, such as `</s>` and `<extra_id_0>`. */
  specialTokens: Map<string, number>;
}

/** Kinds of pieces in the protobuf; text may be split into normal ones only. */
const kind = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;
const unigramModelType = 1;

/**
 * The model in the contents of a `spiece.model`. T5 has 100 sentinel tokens that are not in the file: `<extra_id_99>` gets
 * the first free id and `<extra_id_0>` the last.
 */
export function readSentencePiece(contents: Uint8Array, extraIds = 100): TokenizerModel {
  const model = emptyModel();
  try {
    readFields(contents, {
      1: (reader) => addPiece(model, reader.bytes()),
      2: (reader) => checkTrainer(reader.bytes()),
      3: (reader) => readNormalizer(model, reader.bytes()),
    });
  } catch (error) {
    if (error instanceof QuantCacheError) throw error;
    throw corrupt('it is not a SentencePiece model', error);
  }
  for (let i = extraIds - 1; i >= 0; i--) addSpecial(model, `<extra_id_${i}>`, model.pieces.length);
  return checked(model);
}

type FieldReaders = Readonly<Record<number, (reader: BinaryReader) => void>>;

/** Calls the reader of each field of a message; fields without one are skipped. */
function readFields(message: Uint8Array, readers: FieldReaders): void {
  const reader = new BinaryReader(message);
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    const read = readers[field];
    if (read === undefined) reader.skip(wireType, field);
    else read(reader);
  }
}

function addPiece(model: TokenizerModel, message: Uint8Array): void {
  let text = '';
  let score = 0;
  let type: number = kind.normal;
  readFields(message, {
    1: (reader) => {
      text = reader.string();
    },
    2: (reader) => {
      score = reader.float();
    },
    3: (reader) => {
      type = reader.int32();
    },
  });
  if (type === kind.userDefined || type === kind.byte) {
    throw unsupported(`it has ${type === kind.byte ? 'byte' : 'user-defined'} pieces such as "${text}"`);
  }
  const id = model.pieces.length;
  if (type === kind.unknown) model.unknownId = id;
  if (type === kind.control || type === kind.unknown) model.specialTokens.set(text, id);
  model.pieces.push(text);
  model.scores.push(score);
  model.isSearchable.push(type === kind.normal);
}

function checkTrainer(message: Uint8Array): void {
  let type = unigramModelType;
  let spaceAsSuffix = false;
  readFields(message, {
    3: (reader) => {
      type = reader.int32();
    },
    24: (reader) => {
      spaceAsSuffix = reader.bool();
    },
  });
  if (type !== unigramModelType) throw unsupported(`its model type is ${type}, not unigram (1)`);
  if (spaceAsSuffix) throw unsupported('it writes spaces after words');
}

function readNormalizer(model: TokenizerModel, message: Uint8Array): void {
  const requireTrue = (name: string) => (reader: BinaryReader) => {
    if (!reader.bool()) throw unsupported(`its ${name} is off`);
  };
  readFields(message, {
    2: (reader) => {
      model.charsmap = reader.bytes();
    },
    3: requireTrue('add_dummy_prefix'),
    4: requireTrue('remove_extra_whitespaces'),
    5: requireTrue('escape_whitespaces'),
  });
}

const charsmapSchema = z.object({ type: z.literal('Precompiled'), precompiled_charsmap: z.string().nullish() });
const jsonSchema = z.object({
  added_tokens: z.array(z.object({ id: z.int(), content: z.string().min(1) })).default([]),
  normalizer: z
    .union([
      charsmapSchema,
      z.object({ type: z.literal('Sequence'), normalizers: z.array(z.looseObject({ type: z.string() })) }),
    ])
    .nullish(),
  model: z.looseObject({
    type: z.string().optional(),
    unk_id: z.int().nullish(),
    byte_fallback: z.boolean().nullish(),
    vocab: z.unknown(),
  }),
});
const vocabularySchema = z.array(z.tuple([z.string(), z.number()]));
/** Normalizers whose work `▁` and the collapsing of spaces already do. */
const spaceNormalizers = new Set(['Strip', 'Replace', 'Prepend']);

/** The model in the text of a `tokenizer.json`. */
export function readTokenizerJson(text: string): TokenizerModel {
  const purpose = { what: 'a tokenizer.json', todo: 'Fetch its file again.' };
  const parsed = parseJson(text, 'The tokenizer', jsonSchema, purpose);
  const { added_tokens: addedTokens, normalizer, model: stored } = parsed;
  const vocabulary = vocabularySchema.safeParse(stored.vocab);
  if (!vocabulary.success || (stored.type ?? 'Unigram') !== 'Unigram' || stored.byte_fallback === true) {
    throw unsupported(
      `its model is ${stored.type ?? 'of no type'}${stored.byte_fallback ? ' with byte fallback' : ''}`,
    );
  }
  const model = emptyModel();
  for (const [piece, score] of vocabulary.data) {
    model.pieces.push(piece);
    model.scores.push(score);
    model.isSearchable.push(true);
  }
  model.unknownId = stored.unk_id ?? -1;
  if (model.unknownId in model.pieces) model.isSearchable[model.unknownId] = false;
  const end = model.pieces.length + addedTokens.length;
  for (const { content: token, id } of addedTokens) {
    if (id < 0 || id >= end || (model.pieces[id] ?? token) !== token)
      throw corrupt(`its token ${token} has the id ${id}, which is taken or beyond the vocabulary`);
    addSpecial(model, token, id);
  }
  model.charsmap = charsmapOf(
    normalizer?.type === 'Sequence' ? normalizer.normalizers : normalizer ? [normalizer] : [],
  );
  return checked(model);
}

function charsmapOf(normalizers: readonly { type: string }[]): Uint8Array {
  let charsmap = new Uint8Array();
  for (const normalizer of normalizers) {
    if (spaceNormalizers.has(normalizer.type)) continue;
    const parsed = charsmapSchema.safeParse(normalizer);
    if (!parsed.success) throw unsupported(`it normalizes text by ${normalizer.type}`);
    charsmap = Uint8Array.from(atob(parsed.data.precompiled_charsmap ?? ''), (byte) => byte.charCodeAt(0));
  }
  return charsmap;
}

function emptyModel(): TokenizerModel {
  return {
    pieces: [],
    scores: [],
    isSearchable: [],
    unknownId: -1,
    charsmap: new Uint8Array(),
    specialTokens: new Map(),
  };
}

function addSpecial(model: TokenizerModel, token: string, id: number): void {
  model.specialTokens.set(token, id);
  model.pieces[id] = token;
  model.scores[id] = 0;
  model.isSearchable[id] = false;
}

function checked(model: TokenizerModel): TokenizerModel {
  if (model.unknownId < 0 || model.unknownId >= model.pieces.length) throw corrupt('it has no unknown piece');
  if (!model.specialTokens.has('</s>')) throw corrupt('it has no end-of-sentence piece </s>');
  if (!model.isSearchable.includes(true)) throw corrupt('it has no pieces');
  if (!model.scores.every(Number.isFinite)) throw corrupt('it has scores that are no numbers');
  return model;
}

function corrupt(reason: string, cause?: unknown): QuantCacheError {
  return new QuantCacheError('corrupt_file', `The tokenizer cannot be read: ${reason}. Fetch its file again.`, {
    cause,
  });
}

function unsupported(reason: string): QuantCacheError {
  return new QuantCacheError(
    'unsupported_format',
    `This is not a T5 tokenizer: ${reason}. Use the spiece.model or tokenizer.json of a T5 v1.1 model.`,
  );
}
