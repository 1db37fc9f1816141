/** Mask strategies against plans computed by the original code (fixtures/mask_strategies.json). */

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { QuantCacheError } from '../../errors.ts';
import { appendLoopCondition, applyMaskStrategy, findNearestPoint, type MaskGroup, parseMaskStrategy } from './mask.ts';

interface Case {
  strategies: string[];
  references: number[][];
  latentFrames: number;
  loop: number;
  align: number;
  z: number[][];
  mask: number[][];
}

const fixture: { cases: Case[]; nearest: [number, number, number, number][] } = JSON.parse(
  readFileSync(new URL('fixtures/mask_strategies.json', import.meta.url), 'utf8'),
);

describe('applyMaskStrategy', () => {
  test.each(fixture.cases)('$strategies, loop $loop, align $align', (expected) => {
    const plan = applyMaskStrategy(expected.strategies, expected.references, expected);
    expect(plan.mask).toEqual(expected.mask);
    const z = expected.z.map((row) => row.map(() => -1));
    for (const { sample, reference, referenceStart, targetStart, length } of plan.copies) {
      for (let t = 0; t < length; t++) z[sample]![targetStart + t] = 1000 * (reference + 1) + referenceStart + t;
    }
    expect(z).toEqual(expected.z);
  });

  test.each([
    ['0,1', /names reference 1; prompt 0 has 1/],
    ['0,0,15', /allowed are -15 to 14/],
    ['0,0,0,-20', /starts at latent frame -20; allowed are -15 to 14/],
    ['0,0,0,0,1,1.5', /number from 0 to 1/],
    ['0,0,0,0,1,0,0', /at most 6/],
    ['0,0,a', /whole number/],
    ['0,0,0.5', /whole number/],
    ['0,0,0,0,-1', /only starts may be negative/],
    ['0;', /empty group/],
  ])('refuses %s', (strategy, message) => {
    expect(() => applyMaskStrategy([strategy], [[15]], { latentFrames: 15 })).toThrow(message);
  });
});

test('findNearestPoint agrees with the original', () => {
  for (const [position, align, frames, expected] of fixture.nearest) {
    expect([position, align, frames, findNearestPoint(position, align, frames)]).toEqual([
      position,
      align,
      frames,
      expected,
    ]);
  }
});

test('a loop continues the clip before it', () => {
  const strategy = appendLoopCondition(appendLoopCondition('', { loop: 1, reference: 0 }), { loop: 2, reference: 1 });
  expect(strategy).toBe('1,0,-5,0,5,0;2,1,-5,0,5,0');
  expect(parseMaskStrategy(strategy)[1]).toEqual({
    loop: 2,
    reference: 1,
    referenceStart: -5,
    targetStart: 0,
    length: 5,
    editRatio: 0,
  });
  const plan = applyMaskStrategy([strategy], [[15, 15]], { latentFrames: 15, loop: 2 });
  expect(plan.copies).toEqual([{ sample: 0, reference: 1, referenceStart: 10, targetStart: 0, length: 5 }]);
});

describe('for all strategies', () => {
  const start = fc.integer({ min: -15, max: 14 });
  const group = fc.record({
    loop: fc.nat(2),
    reference: fc.nat(1),
    referenceStart: start,
    targetStart: start,
    length: fc.nat(20),
    editRatio: fc.constantFrom(0, 0.25, 1),
  });
  const written = (groups: readonly MaskGroup[]) => groups.map((one) => Object.values(one).join(',')).join(';');

  test('what was written is what is read', () => {
    fc.assert(
      fc.property(fc.array(group), (groups) => {
        expect(parseMaskStrategy(written(groups))).toEqual(groups);
      }),
    );
  });

  test('any other text is a strategy or refused', () => {
    const text = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'0123456789-.,; e') }));
    fc.assert(
      fc.property(text, (strategy) => {
        try {
          for (const { loop, length, editRatio } of parseMaskStrategy(strategy)) {
            expect([loop, length].every((value) => Number.isInteger(value) && value >= 0)).toBe(true);
            expect(editRatio >= 0 && editRatio <= 1).toBe(true);
          }
        } catch (error) {
          expect(error).toBeInstanceOf(QuantCacheError);
        }
      }),
    );
  });

  test('copies lie within the reference and the clip, and the mask is that of the last group that covers a frame', () => {
    const request = fc.record({ groups: fc.array(group), loop: fc.nat(2), align: fc.constantFrom(0, 5) });
    fc.assert(
      fc.property(request, ({ groups, loop, align }) => {
        const plan = applyMaskStrategy([written(groups)], [[15, 15]], { latentFrames: 15, loop, align });
        const own = groups.filter((one) => one.loop === loop && one.length > 0);
        expect(plan.copies.map(({ reference }) => reference)).toEqual(own.map(({ reference }) => reference));
        const mask = Array<number>(15).fill(1);
        for (const [i, { length, referenceStart, targetStart }] of plan.copies.entries()) {
          expect(length).toBeGreaterThan(0);
          for (const first of [referenceStart, targetStart]) {
            expect(first).toBeGreaterThanOrEqual(0);
            expect(first + length).toBeLessThanOrEqual(15);
            if (align > 0) expect(first % align).toBe(0);
          }
          mask.fill(own[i]!.editRatio, targetStart, targetStart + length);
        }
        expect(plan.mask).toEqual([mask]);
      }),
    );
  });
});
