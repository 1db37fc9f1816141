import { expect, test } from 'vitest';
import { cleanPrompt } from './clean.ts';
import { removedText } from './removed.ts';

test.each<[prompt: string, removed: string[]]>([
  ['a large red 星星 star', ['星星']],
  ['赤い星', ['赤', '星']],
  ['a large red star https://example.com moves', ['https://example.com']],
  ['see <b>this</b> @somebody, #12 half ½', ['<b>', '</b>', '@somebody', '#12', '½']],
  ['a photo IMG_1234.jpg of a cat', ['IMG_1234.jpg']],
  ['free shipping of a red star', ['free', 'shipping']],
  ['a star a star example.com a star', ['example.com']],
  // only written otherwise: nothing is told
  ['A  “Large” RED-star (moves) right, over&nbsp;blue; ﬁne', ['&nbsp;']],
  ['this-is-my-cute-red-star', []],
  ['a calm sea', []],
])('of %s cleaning removes %j', (prompt, removed) => {
  expect(removedText(prompt, cleanPrompt(prompt))).toEqual(removed);
});

test('a prompt of 100,000 characters takes no time to speak of', () => {
  const long = 'a large red 星 star '.repeat(5000);
  expect(removedText(long, cleanPrompt(long)).length).toBeGreaterThan(100);
});
