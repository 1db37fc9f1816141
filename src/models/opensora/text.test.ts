/** What becomes of prompts that are not what the model was trained with: refused, or told of. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRuntime } from '#runtime';
import type { Pipeline } from '../../pipeline.ts';
import { openModel } from '../index.ts';

let pipeline: Pipeline;
beforeAll(async () => {
  pipeline = await openModel(await createRuntime({ threads: 1 }));
});
afterAll(() => pipeline[Symbol.asyncDispose]());

describe('a prompt of which nothing is left', () => {
  test.each([
    ['一只红色的星星向右移动', /empty after the cleaning/],
    ['赤い星', /knows nothing of "い"/],
    ['{}', /text for clip 0 is empty/],
    ['###', /"###".*empty after the cleaning/],
    ['https://example.com/x', /empty after the cleaning/],
    ['<b></b>', /empty after the cleaning/],
    ['free shipping', /empty after the cleaning/],
    ['|0|', /text for clip 0 is empty/],
    ['|0|a red star|1|###', /text for clip 1, "###", is empty/],
    ['', /prompt is empty/],
    [' \t', /prompt is empty/],
  ])('is refused: %s', (prompt, message) => {
    const refused = { code: 'invalid_option', message: expect.stringMatching(message) };
    expect(() => pipeline.text.prepare(prompt)).toThrow(expect.objectContaining(refused));
  });
});

test('what cleaning removes of a mixed prompt is told', () => {
  const prepare = (prompt: string) => pipeline.text.prepare(prompt).removedText;
  expect(prepare('a large red 星星 star')).toEqual(['星星']);
  const url = 'https://example.com';
  expect(prepare(`a large red star ${url} moves right over a blue background`)).toEqual([url]);
  expect(prepare('a large red star')).toEqual([]);
});

test('words beyond the longest text are told', () => {
  const words = 'red blue green white black yellow small large star circle'.split(' ');
  const long = Array.from({ length: 60 }, (_, i) => words[i % words.length]!);
  const { unreadWords } = pipeline.text.prepare(long.join(' '));
  expect(unreadWords.length).toBeGreaterThan(20);
  expect(long.join(' ').endsWith(unreadWords.join(' '))).toBe(true);
  expect(pipeline.text.prepare('a large red star').unreadWords).toEqual([]);
});
