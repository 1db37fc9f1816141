/** Taking prompts apart: values as the original's functions give them, refusals with what to write instead. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { appendScores, parsePrompt, preparePrompt, segmentFor, splitSegments } from './segments.ts';

describe('parsePrompt', () => {
  test('plain text is one segment without conditions', () => {
    expect(parsePrompt('a calm sea')).toEqual({
      segments: [{ firstLoop: 0, text: 'a calm sea' }],
      references: [],
      maskStrategy: '',
    });
    expect(parsePrompt('').segments).toEqual([{ firstLoop: 0, text: '' }]);
  });

  test('JSON at the end conditions the video', () => {
    const prompt = 'a sea {"reference_path": "a.png;b.mp4", "mask_strategy": "0;0,1,0,-1,1"}';
    expect(parsePrompt(prompt)).toEqual({
      segments: [{ firstLoop: 0, text: 'a sea ' }],
      references: ['a.png', 'b.mp4'],
      maskStrategy: '0;0,1,0,-1,1',
    });
    expect(parsePrompt('a {}')).toMatchObject({ references: [], maskStrategy: '' });
  });

  test.each([
    ['a {x} b', /must be JSON such as \{"reference_path"/],
    ['a {"reference": "x"}', /reference/],
    ['a {"reference_path": 3}', /reference_path/],
    ['a {"mask_strategy": "0"} {"mask_strategy": "1"}', /must be JSON/],
    ['a {"mask_strategy": "0", "mask_strategy": "1"}', /must be JSON .*it has the name "mask_strategy" twice/],
    [`a {${'x'.repeat(1000)}`, /x\.\.\./],
  ])('refuses %s', (prompt, message) => {
    expect(() => parsePrompt(prompt)).toThrow(message);
  });
});

describe('segments', () => {
  const segments = splitSegments('|0| a calm sea |2|a storm|5|a calm sea again');

  test('are split and stripped', () => {
    expect(segments).toEqual([
      { firstLoop: 0, text: 'a calm sea' },
      { firstLoop: 2, text: 'a storm' },
      { firstLoop: 5, text: 'a calm sea again' },
    ]);
    expect(splitSegments('sea |1| storm')).toEqual([{ firstLoop: 0, text: 'sea |1| storm' }]);
  });

  test.each([
    [0, 'a calm sea'],
    [1, 'a calm sea'],
    [2, 'a storm'],
    [4, 'a storm'],
    [9, 'a calm sea again'],
  ])('clip %i', (loop, text) => {
    expect(segmentFor(segments, loop)).toBe(text);
  });

  test.each(['|0|a|', '|0|a|x|b', '|0|a|0|b', '|0|a|2|b|1|c', '|0|a|-1|b', '|0|a|b'])('refuses %s', (text) => {
    expect(() => splitSegments(text)).toThrow(/ascending clip numbers/);
  });

  test('what was written is what is read, and every clip has the text of the last segment before it', () => {
    const text = fc.string({ unit: fc.constantFrom(...'a sea, "of" 2 stars') }).map((letters) => letters.trim());
    const written = fc.tuple(
      text,
      fc.uniqueArray(fc.tuple(fc.integer({ min: 1, max: 99 }), text), { selector: ([loop]) => loop }),
    );
    fc.assert(
      fc.property(written, ([opening, later]) => {
        const segments = [[0, opening] as const, ...later.sort(([a], [b]) => a - b)];
        const parsed = parsePrompt(segments.map(([loop, text]) => `|${loop}|${text}`).join('')).segments;
        expect(parsed).toEqual(segments.map(([firstLoop, text]) => ({ firstLoop, text })));
        for (let loop = 0; loop < 100; loop++) {
          const begun = segments.filter(([firstLoop]) => firstLoop <= loop);
          expect(segmentFor(parsed, loop)).toBe(begun.at(-1)![1]);
        }
      }),
    );
  });
});

describe('appendScores', () => {
  test.each([
    [{}, 'a'],
    [{ aesthetic: 6.5 }, 'a aesthetic score: 6.5.'],
    [{ aesthetic: null, motion: 10 }, 'a motion score: 10.0.'],
    [
      { camera: 'pan left', motion: 5, aesthetic: 7 },
      'a aesthetic score: 7.0. motion score: 5.0. camera motion: pan left.',
    ],
  ])('%j', (scores, expected) => {
    expect(appendScores('a', scores)).toBe(expected);
  });

  test('what the prompt says itself is not said again', () => {
    const text = 'motion score: 3.0. a';
    expect(appendScores(text, { aesthetic: 6, motion: 9 })).toBe('motion score: 3.0. a aesthetic score: 6.0.');
  });

  // Python: [f'{v:.1f}' for v in (6.25, 6.75, 0.25, -0.25, -0.75, 6.35, 0.05, 6.04)]
  test.each([
    [6.25, '6.2'],
    [6.75, '6.8'],
    [0.25, '0.2'],
    [-0.25, '-0.2'],
    [-0.75, '-0.8'],
    [6.35, '6.3'],
    [0.05, '0.1'],
    [6.04, '6.0'],
  ])('%d is written %s', (value, written) => {
    expect(appendScores('', { aesthetic: value })).toBe(` aesthetic score: ${written}.`);
  });

  test('refuses what is no number', () => {
    expect(() => appendScores('a', { motion: Number.NaN })).toThrow(/score of NaN/);
  });
});

test('preparePrompt goes from the user to the tokenizer', () => {
  const prompt = '|0|A Calm Sea!|1|A <b>STORM</b>, aesthetic score: 5.0.{"reference_path":"a.png"}';
  expect(preparePrompt(prompt)).toEqual({
    segments: [
      { firstLoop: 0, text: 'a calm sea! aesthetic score: 6.5.', cleaned: 'a calm sea!', removed: [] },
      {
        firstLoop: 1,
        text: 'a storm, aesthetic score: 5.0.',
        cleaned: 'a storm, aesthetic score: 5.0.',
        removed: ['<b>', '</b>'],
      },
    ],
    references: ['a.png'],
    maskStrategy: '',
  });
});
