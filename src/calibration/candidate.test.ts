import { expect, test } from 'vitest';
import { quantcacheOptions } from '../policies/quantcache/index.ts';
import { builtinAverages } from '../policies/quantcache/leaping/builtin.ts';
import { optionsOf, type Setting } from './candidate.ts';

const plan = [{ step: 0, latents: 1, outputs: [[0.12345678, 1]] }];
const setting: Setting = { numSteps: 4, precision: 'w8a8', pruning: 0, outer: { plan } };

test('a candidate stands for options of quantcache', () => {
  const options = optionsOf([setting, { ...setting, numSteps: 6 }]);
  const shortened = [{ step: 0, latents: 1, outputs: [[0.123457, 1]] }];
  expect(options).toEqual({
    srap: false,
    hlc: { plans: { 4: shortened, 6: shortened }, leaps: false },
    aigq: { ladder: [['w8a8', 0]], available: ['fp32', 'w8a8'] },
  });
  expect(() => quantcacheOptions.parse(options)).not.toThrow();
});

test('with a threshold where it prunes, leaps where they follow the clip, and nothing of precision in fp32', () => {
  const leaps = { quality: 30, averages: builtinAverages };
  expect(optionsOf([{ ...setting, precision: 'fp32', pruning: 0.03, outer: { leaps } }])).toEqual({
    srap: { threshold: 0.03 },
    hlc: { plans: {}, leaps },
    aigq: false,
  });
});
