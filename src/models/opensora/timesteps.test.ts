/** Times against lists computed by the original code in float32. */

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { rflowTimesteps } from './timesteps.ts';

interface Case {
  height: number;
  width: number;
  num_frames: number;
  steps: number;
  fp32: number[];
  no_transform: number[];
}

const tolerance = 1e-4; // on the scale 0..1000: one unit in the last place of float32 is 6e-5
const golden: { cases: Case[] } = JSON.parse(
  readFileSync(new URL('../../../test/fixtures/golden/rflow_timesteps.json', import.meta.url), 'utf8'),
);

function largestError(found: Float32Array, expected: number[]): number {
  expect(found.length).toBe(expected.length);
  return expected.reduce((worst, value, i) => Math.max(worst, Math.abs(value - found[i]!)), 0);
}

describe('rflowTimesteps', () => {
  test.each(golden.cases)('$height x $width, $num_frames frames, $steps steps', (expected) => {
    const { height, width, num_frames: frames, steps } = expected;
    expect(largestError(rflowTimesteps({ steps, height, width, frames }), expected.fp32)).toBeLessThan(tolerance);
    const plain = rflowTimesteps({ steps, height, width, frames, transform: false });
    expect(largestError(plain, expected.no_transform)).toBe(0);
  });

  test('never starts above 1000, however small the image', () => {
    for (let side = 16; side <= 256; side++) {
      const [first] = rflowTimesteps({ steps: 4, height: side, width: side, frames: 1 });
      expect(first).toBeLessThanOrEqual(1000);
      expect(first).toBeGreaterThan(999.9);
    }
  });

  test('a remainder of frames does not shift times, a larger base resolution does', () => {
    const size = { steps: 5, height: 144, width: 256 };
    expect(rflowTimesteps({ ...size, frames: 60 })).toEqual(rflowTimesteps({ ...size, frames: 51 }));
    const shifted = rflowTimesteps({ ...size, frames: 51, baseResolution: 64 * 64 });
    expect(shifted[2]).toBeGreaterThan(rflowTimesteps({ ...size, frames: 51 })[2]!);
  });

  test.each([0, -1, 2.5, Number.NaN])('refuses %s steps', (steps) => {
    expect(() => rflowTimesteps({ steps, height: 144, width: 256, frames: 51 })).toThrow(/sampling steps/);
  });

  test.each([2, 16])('refuses %s frames, for which the original gives NaN', (frames) => {
    expect(() => rflowTimesteps({ steps: 5, height: 144, width: 256, frames })).toThrow(/at least 17/);
  });
});
