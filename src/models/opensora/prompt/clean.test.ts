/** Cleaning against the original's results: the golden file, then cases computed with ftfy 6.3.1 and beautifulsoup4 4.15. */

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { cleanCaption, cleanPrompt } from './clean.ts';
import { appendScores, defaultScores } from './segments.ts';

interface Row {
  prompt: string;
  with_score: string;
  preprocessed: string;
  preprocessed_no_score: string;
}

const golden: { rows: Row[] } = JSON.parse(
  readFileSync(new URL('../../../../test/fixtures/golden/text_preprocessing.json', import.meta.url), 'utf8'),
);
const computed: { cases: [string, string, string][] } = JSON.parse(
  readFileSync(new URL('fixtures/clean_caption.json', import.meta.url), 'utf8'),
);

test.each(golden.rows)('golden: $prompt', ({ prompt, with_score, preprocessed, preprocessed_no_score }) => {
  expect(appendScores(prompt, defaultScores)).toBe(with_score);
  expect(cleanPrompt(with_score)).toBe(preprocessed);
  expect(cleanPrompt(prompt)).toBe(preprocessed_no_score);
});

test.each(computed.cases)('%j', (prompt, once, twice) => {
  expect(cleanCaption(prompt)).toBe(once);
  expect(cleanPrompt(prompt)).toBe(twice);
});

describe('100,000 characters take less than a second', () => {
  const units =
    'a quiet waterfall, |a|a.|a-|.com@|a.com@|x.png|1|.1|1.1|a1|é1|<|<a |<a b=\'>\'|<!--|<!-- --|</|<![cdata[|<script>|&|&a|&#|&#1|--|--> | |\t. |" |"|.|. |:|#1|free |worldwide |page |http:|http://|@|%c3|%c3%a9|+|\u4e00|\u00e9|\ud83d\ude42|ﬁ|\u0301|(|*'.split(
      '|',
    );
  const texts = units.map((unit): [string, string] => [unit, unit.repeat(Math.ceil(100_000 / unit.length))]);
  texts.push(['a1...é', `${'a1'}${'1'.repeat(100_000)}é`], ['1...x', `é ${'1'.repeat(100_000)}_`]);
  texts.push(['a...@', `${'a-'.repeat(50_000)}.com@`], ['free', `worldwide${' '.repeat(100_000)}x`]);
  test.each(texts)('%j', (_, text) => {
    const start = process.cpuUsage(); // not wall-clock time: tests run on busy machines
    expect(typeof cleanPrompt(text)).toBe('string');
    const { user, system } = process.cpuUsage(start); // microseconds
    expect((user + system) / 1e6).toBeLessThan(1);
  });
});
