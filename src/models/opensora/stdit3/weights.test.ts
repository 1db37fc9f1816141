import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseStdit3Config } from './config.ts';
import { stdit3Shapes } from './weights.ts';

test('STDiT3-XL/2 needs exactly the tensors of the published checkpoint', () => {
  const published = JSON.parse(readFileSync('test/fixtures/golden/params_stdit3_xl2.json', 'utf8')) as Record<
    string,
    number[]
  >;
  expect(Object.fromEntries(stdit3Shapes(parseStdit3Config({})))).toEqual(published);
});
