/** What cannot be verified has failed, and says why; nothing passes by comparing nothing. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { verifiers as known } from '../models/index.ts';
import { createRuntime } from '../runtime/node.ts';
import type { Verifier } from './case.ts';
import { relativeErrorOf, type VerificationResult, verifyFolder } from './verify.ts';

const runtime = await createRuntime({ threads: 1 });
const folder = mkdtempSync(join(tmpdir(), 'quantcache-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
  return runtime[Symbol.asyncDispose]();
});
const put = (name: string, value: unknown) => writeFileSync(join(folder, name), JSON.stringify(value));

async function verify(cases: unknown, verifiers: Readonly<Record<string, Verifier>> = known()) {
  put('manifest.json', cases);
  const results: VerificationResult[] = [];
  for await (const result of verifyFolder(runtime, folder, { verifiers })) results.push(result);
  return results;
}

const one = (kind: string) => ({ cases: { a: { kind, json: 'a.json' } } });
beforeEach(() => put('a.json', { config: {} }));

describe('manifests', () => {
  it.each([
    ['null', null, /must be of type object/],
    ['a list', [], /must be of type object/],
    ['no cases', {}, /cases: /],
    ['an empty list of cases', { cases: [] }, /cases: must be of type record/],
    ['cases that are none', { cases: {} }, /cases: there is no case/],
    ['a case of null', { cases: { a: null } }, /cases\.a: must be of type object/],
    ['a case without kind', { cases: { a: { json: 'a.json' } } }, /cases\.a\.kind: .*of type string/],
    ['a file elsewhere', { cases: { a: { kind: 'x', json: '../../a.json' } } }, /cases\.a\.json: needed is a name/],
    ['a file that is a number', { cases: { a: { kind: 'x', json: 'a.json', file: 1 } } }, /cases\.a\.file: /],
  ])('with %s are refused', async (_, manifest, field) => {
    const message = expect.stringMatching(new RegExp(`manifest\\.json is not a list of .*${field.source}`));
    await expect(verify(manifest)).rejects.toMatchObject({ code: 'corrupt_file', message });
  });

  it('that name a file which is not there say which', async () => {
    const missing = { code: 'model_not_found', message: expect.stringContaining(join(folder, 'b.json')) };
    await expect(verify({ cases: { b: { kind: 'x', json: 'b.json' } } })).rejects.toMatchObject(missing);
  });
});

describe('cases', () => {
  it.each(['no_such_kind', '__proto__', 'constructor', 'toString'])('of the kind %s fail', async (kind) => {
    const reason = expect.stringMatching(new RegExp(`the kind "${kind}" is not known; known are stdit3_forward`));
    expect(await verify(JSON.parse(JSON.stringify(one(kind))))).toEqual([{ case: 'a', kind, pass: false, reason }]);
  });

  it.each(Object.keys(known))('of the kind %s with nothing to compare fail', async (kind) => {
    for (const content of [null, {}, { config: {} }, { cases: [] }, { rows: [] }]) {
      put('a.json', content);
      const results = await verify(one(kind));
      expect(results).toMatchObject([{ case: 'a', kind, pass: false }]);
      expect(JSON.stringify(results)).not.toMatch(/Cannot read|is not iterable|is not a function/);
    }
  });

  it('fail where nothing computes a tensor, where a verifier throws, and the others go on', async () => {
    const verifiers: Record<string, Verifier> = {
      async *empty() {
        yield { tensor: 't', expected: [], actual: undefined };
      },
      async *field(_, reference) {
        yield { tensor: 't', expected: [reference.parse(z.object({ n: z.number() })).n], actual: [1] };
      },
      async *right() {
        yield { tensor: 't', expected: [1], actual: [1] };
      },
    };
    const cases = Object.fromEntries(Object.keys(verifiers).map((kind) => [kind, { kind, json: 'a.json' }]));
    const [empty, field, right] = await verify({ cases }, verifiers);
    expect(empty).toMatchObject({ pass: false, tensor: 't', relativeError: Number.POSITIVE_INFINITY });
    expect(field).toMatchObject({ pass: false, reason: expect.stringMatching(/a\.json is not a .*"field": n: /) });
    expect(right).toEqual({ case: 'right', kind: 'right', pass: true, tensor: 't', relativeError: 0 });
  });
});

it('measures an error relative to the largest expected value', () => {
  const error = (expected: number[], actual: number[] | undefined) =>
    relativeErrorOf({ tensor: 't', expected, actual });
  expect(error([4, -8], [4, -6])).toBe(0.25);
  expect(error([], [])).toBe(0);
  for (const actual of [undefined, [1], [Number.NaN, 1], [Number.POSITIVE_INFINITY, 1]])
    expect(error([1, 1], actual)).toBe(Number.POSITIVE_INFINITY);
});
