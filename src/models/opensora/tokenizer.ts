/**
 * The T5 tokenizer: text to the ids that the text encoder reads, and which words a small vocabulary does not know.
 *
 * Text is normalized by the model's charsmap, cut at spaces, each word gets a leading `▁` and is split by the unigram model;
 * `</s>` closes the sequence, `<pad>` (0) fills it up. Special tokens written out in the text are recognised, as in
 * transformers. Nothing here comes from a tokenizer library: the JavaScript ones approximate the charsmap by NFKC.
 * Reference: Raffel et al. 2020, arXiv 1910.10683.
 */

import { QuantCacheError } from '../../errors.ts';
import { charsmapNormalizer } from './sentencepiece/charsmap.ts';
import { readSentencePiece, readTokenizerJson, type TokenizerModel } from './sentencepiece/model.ts';
import { type Token, unigramSplitter } from './sentencepiece/unigram.ts';

/** Text as the text encoder's input. */
export interface Encoding {
  /** [maxLength] ids, padded with 0. */
  inputIds: Int32Array;
  /** [maxLength] 1 for tokens (`</s>` included), 0 for padding. */
  attentionMask: Int32Array;
  /** The tokens without padding, `</s>` last; for an unknown token the text that is unknown. */
  tokens: string[];
}

/** A loaded tokenizer. */
export interface T5Tokenizer {
  /** Ids that may occur, so rows that the embedding needs. */
  vocabularySize: number;
  /** Encodes text; what does not fit into `maxLength` (default 300) with `</s>` is cut off. */
  encode(text: string, maxLength?: number): Encoding;
  /** The distinct words of a text, as written, that the vocabulary cannot spell. */
  unknownWords(text: string): string[];
  /** Whether the vocabulary has anything of a text. */
  knowsAnyOf(text: string): boolean;
  /** The words of a text that `encode` cuts off or into, normalized. */
  wordsBeyond(text: string, maxLength?: number): string[];
}

const maxLengthOfOpenSora = 300;
const wordStart = '\u2581'; // ▁
const openingBrace = 0x7b;

/** A tokenizer from the contents of a `tokenizer.json` or a `spiece.model`, told apart by the first byte. */
export function readT5Tokenizer(contents: Uint8Array): T5Tokenizer {
  const isJson = contents[0] === openingBrace;
  return t5Tokenizer(isJson ? readTokenizerJson(new TextDecoder().decode(contents)) : readSentencePiece(contents));
}

/** A tokenizer from a model that has been read. */
export function t5Tokenizer(model: TokenizerModel): T5Tokenizer {
  const { pieces, scores, isSearchable, unknownId, specialTokens } = model;
  const ids = new Map(pieces.flatMap((piece, id) => (isSearchable[id] ? [[piece, id] as const] : [])));
  const split = unigramSplitter({ ids, scores, unknownId });
  const normalize = charsmapNormalizer(model.charsmap);
  const special = new RegExp(`(${[...specialTokens.keys()].map(escapeRegExp).join('|')})`);
  const endId = specialTokens.get('</s>')!;

  /** The words of a text, each with its tokens. */
  function* wordsOf(text: string): Generator<{ word: string; tokens: () => Iterable<Token> }> {
    for (const section of text.split(special)) {
      const specialId = specialTokens.get(section);
      if (specialId !== undefined) yield { word: section, tokens: () => [{ id: specialId, text: section }] };
      else
        for (const word of normalize(section).split(' '))
          if (word !== '') yield { word, tokens: () => split(wordStart + word) };
    }
  }

  function* tokenize(text: string): Generator<Token> {
    for (const { tokens } of wordsOf(text)) yield* tokens();
  }

  return {
    vocabularySize: pieces.length,

    encode(text, maxLength = maxLengthOfOpenSora) {
      if (!Number.isInteger(maxLength) || maxLength < 1) {
        throw new QuantCacheError(
          'invalid_option',
          `A prompt length of ${maxLength} tokens is not possible; use 1 or more.`,
        );
      }
      const inputIds = new Int32Array(maxLength);
      const tokens: string[] = [];
      for (const token of tokenize(text)) {
        if (tokens.length === maxLength - 1) break;
        inputIds[tokens.length] = token.id;
        tokens.push(token.text);
      }
      inputIds[tokens.length] = endId;
      tokens.push('</s>');
      return { inputIds, attentionMask: new Int32Array(maxLength).fill(1, 0, tokens.length), tokens };
    },

    knowsAnyOf(text) {
      for (const token of tokenize(text)) if (token.id !== unknownId && token.text !== wordStart) return true;
      return false;
    },

    wordsBeyond(text, maxLength = maxLengthOfOpenSora) {
      const beyond: string[] = [];
      let left = maxLength - 1;
      for (const { word, tokens } of wordsOf(text)) {
        if (left > 0) left -= [...tokens()].length;
        else left = -1;
        if (left < 0) beyond.push(word);
      }
      return beyond;
    },

    unknownWords(text) {
      const words = new Set(text.split(/\s+/));
      words.delete('');
      return [...words].filter((word) => [...tokenize(word)].some(({ id }) => id === unknownId));
    },
  };
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
}
