/** The tokenizer against encodings by sentencepiece and transformers (test/fixtures/golden/tokenizer.json). */

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readSentencePiece } from './sentencepiece/model.ts';
import { readT5Tokenizer, t5Tokenizer } from './tokenizer.ts';

interface Golden {
  vocab_size: number;
  unk_id: number;
  max_length: number;
  rows: { text: string; pieces: string[]; ids: number[]; n_valid: number }[];
}

const folder = new URL('../../../test/fixtures/golden/', import.meta.url);
const golden: Golden = JSON.parse(readFileSync(new URL('tokenizer.json', folder), 'utf8'));
const spiece = new Uint8Array(readFileSync(new URL('tokenizer_spiece.model', folder)));
const tokenizer = readT5Tokenizer(spiece);

/** The same model in the layout in which transformers saves it. */
function tokenizerJson(changes: object = {}): Uint8Array {
  const model = readSentencePiece(spiece);
  const charsmap = Buffer.from(model.charsmap).toString('base64');
  const json = {
    version: '1.0',
    added_tokens: [...model.specialTokens].map(([content, id]) => ({ id, content, special: true, normalized: false })),
    normalizer: { type: 'Precompiled', precompiled_charsmap: charsmap },
    pre_tokenizer: { type: 'Sequence', pretokenizers: [{ type: 'WhitespaceSplit' }, { type: 'Metaspace' }] },
    model: {
      type: 'Unigram',
      unk_id: 2,
      byte_fallback: false,
      vocab: model.pieces.map((p, i) => [p, model.scores[i]]),
    },
    ...changes,
  };
  return new TextEncoder().encode(JSON.stringify(json));
}

describe.each([
  ['spiece.model', tokenizer],
  ['tokenizer.json', readT5Tokenizer(tokenizerJson())],
])('%s', (_, loaded) => {
  test.each(golden.rows)('"$text"', ({ text, pieces, ids, n_valid }) => {
    const { inputIds, attentionMask, tokens } = loaded.encode(text, golden.max_length);
    expect([...inputIds.subarray(0, n_valid)]).toEqual(ids);
    expect(inputIds.subarray(n_valid).every((id) => id === 0)).toBe(true);
    expect(attentionMask.reduce((sum, one) => sum + one, 0)).toBe(n_valid);
    expect(attentionMask.lastIndexOf(1)).toBe(n_valid - 1);
    expect(inputIds.length).toBe(golden.max_length);
    expect(tokens).toEqual([...pieces.slice(0, golden.max_length - 1), '</s>']);
  });
});

// Ids by transformers 5.18 T5Tokenizer on the same model.
test.each([
  ['a</s>b', [3, 1, 12, 90, 1]],
  ['x <extra_id_0> y', [12, 2, 279, 12, 169, 1]],
  ['x<extra_id_99>y', [12, 2, 180, 12, 169, 1]],
  ['<pad> a', [0, 3, 1]],
  ['漢字 漢', [12, 2, 12, 2, 1]],
  ['\u200bzero', [12, 161, 144, 179, 177, 1]],
  ['\ufeffa', [3, 1]],
  ['a\u3000b', [3, 12, 90, 1]],
])('special tokens and odd spaces: %s', (text, ids) => {
  expect([...tokenizer.encode(text, ids.length + 1).inputIds]).toEqual([...ids, 0]);
});

test('cuts to the length that is asked for and always ends in </s>', () => {
  expect([...tokenizer.encode('the the the the', 3).inputIds]).toEqual([5, 5, 1]);
  expect([...tokenizer.encode('the the', 1).inputIds]).toEqual([1]);
  expect(() => tokenizer.encode('the', 0)).toThrow(/prompt length of 0/);
});

test('the vocabulary includes the sentinel tokens', () => {
  expect(tokenizer.vocabularySize).toBe(golden.vocab_size + 100);
  expect(t5Tokenizer(readSentencePiece(spiece, 0)).vocabularySize).toBe(golden.vocab_size);
});

test('wordsBeyond lists what encode cuts off, to the token', () => {
  const text = 'a quiet waterfall in the forest';
  const { tokens } = tokenizer.encode(text);
  expect(tokenizer.wordsBeyond(text, tokens.length)).toEqual([]);
  for (let length = 1; length < tokens.length; length++) {
    const beyond = tokenizer.wordsBeyond(text, length);
    const whole = text.slice(0, text.length - beyond.join(' ').length).trim();
    expect(beyond.length).toBeGreaterThan(0);
    expect(text.endsWith(beyond.join(' '))).toBe(true);
    expect(tokenizer.encode(whole).tokens.length).toBeLessThanOrEqual(length);
  }
});

test('unknownWords lists each unknown word once, as written', () => {
  expect(tokenizer.unknownWords('a quiet 漢字 waterfall, 漢字 and 🙂')).toEqual(['漢字', '🙂']);
  expect(tokenizer.unknownWords('  ')).toEqual([]);
});

test.each(['a quiet waterfall, ', 'x', 'ﷺ', '\u{1F642}', 'e\u0301'])(
  '100,000 characters of "%s" take less than 2 s',
  (unit) => {
    const text = unit.repeat(Math.ceil(100_000 / unit.length));
    const start = process.cpuUsage(); // not wall-clock time: tests run on busy machines
    expect(tokenizer.encode(text).tokens.length).toBeGreaterThan(0);
    tokenizer.unknownWords(text);
    const { user, system } = process.cpuUsage(start); // microseconds
    expect((user + system) / 1e6).toBeLessThan(2);
  },
);

describe('refuses', () => {
  test.each<[string, Uint8Array, RegExp]>([
    ['an empty file', new Uint8Array(), /no unknown piece/],
    ['a truncated spiece.model', spiece.subarray(0, 1000), /cannot be read/],
    ['text', new TextEncoder().encode('not a model'), /cannot be read/],
    ['broken JSON', new TextEncoder().encode('{"model":'), /not JSON/],
    ['other JSON', new TextEncoder().encode('{"a":1}'), /not a tokenizer.json/],
    ['BPE', tokenizerJson({ model: { type: 'BPE', vocab: {}, merges: [] } }), /model is BPE/],
    ['byte fallback', tokenizerJson({ model: { type: 'Unigram', vocab: [], byte_fallback: true } }), /byte fallback/],
    [
      'other normalizers',
      tokenizerJson({ normalizer: { type: 'Sequence', normalizers: [{ type: 'NFD' }] } }),
      /by NFD/,
    ],
    ['no </s>', tokenizerJson({ added_tokens: [] }), /<\/s>/],
  ])('%s', (_, contents, message) => {
    expect(() => readT5Tokenizer(contents)).toThrow(message);
  });

  test('a damaged character table', () => {
    const model = readSentencePiece(spiece);
    expect(() => t5Tokenizer({ ...model, charsmap: model.charsmap.subarray(0, 100) })).toThrow(/character table/);
  });
});
