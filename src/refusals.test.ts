/** Faults of data are told in our words, whatever library found them. */
import { expect, it } from 'vitest';
import * as z from 'zod';
import { jsonFault } from './files/strictjson.ts';
import { issuesOf } from './refusals.ts';

const schema = z.strictObject({
  text: z.string(),
  count: z.int().min(1).lt(10).default(1),
  list: z.array(z.number()).min(1).default([1]),
  mode: z.enum(['a', 'b']).default('a'),
  mask: z.string().regex(/^\d$/, 'write one digit').default('1'),
  code: z.string().regex(/^\d$/).default('1'),
  either: z.union([z.string(), z.number()]).default(1),
});
const told = (value: unknown) => issuesOf(schema.safeParse(value).error!, 'options');

it('tells what a field must be', () => {
  expect(told({ text: 1 })).toBe('text: must be of type string');
  expect(told(null)).toBe('options: must be of type object');
  expect(told({ text: '', count: 0 })).toBe('count: must be at least 1');
  expect(told({ text: '', count: 10 })).toBe('count: must be less than 10');
  expect(told({ text: '', list: [] })).toBe('list: must have a length of at least 1');
  expect(told({ text: '', mode: 'c' })).toBe('mode: must be "a" or "b"');
  expect(told({ text: '', more: 1 })).toBe('options: knows no "more"');
  expect(told({ text: '', code: 'x' })).toBe('code: is not written as it must be');
  expect(told({ text: '', either: [] })).toBe('either: has none of the allowed forms');
  expect(told({ text: '', list: ['a', 'b', 'c', 'd', 'e'] })).toMatch(/^list.0: .*; list.3: .* and 1 more$/);
});

it('tells what is wrong inside of the alternative that was meant', () => {
  const part = z.strictObject({ part: z.union([z.literal(false), z.strictObject({ size: z.number() })]) });
  const told = (value: unknown) => issuesOf(part.safeParse({ part: value }).error!);
  expect(told({ size: 'a' })).toBe('part.size: must be of type number');
  expect(told(3)).toBe('part: has none of the allowed forms');
});

it('keeps what a schema of ours says', () => {
  expect(told({ text: '', mask: 'x' })).toBe('mask: write one digit');
});

it('says where a text stops being JSON, if that is known', () => {
  const fault = (text: string) => {
    try {
      return JSON.parse(text);
    } catch (error) {
      return jsonFault(error);
    }
  };
  expect(fault('{')).toMatch(/^it is not JSON/);
  expect(fault('{"a":1,}')).toMatch(/^it is not JSON \(from character 8 on\)$/);
  expect(fault('nonsense')).toBe('it is not JSON');
});
