/** Mask strategies against plans computed by the original code (fixtures/mask_strategies.json). */

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { appendLoopCondition, applyMaskStrategy, findNearestPoint, parseMaskStrategy } from './mask.ts';

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
    ['0;', /whole number/],
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
