import { describe, expect, test } from 'vitest';
import { createPolicy } from './index.ts';

describe('options', () => {
  test('that look like numbers are texts where texts are taken', () => {
    expect(() => createPolicy('static', { mask: 8 })).not.toThrow();
    expect(() => createPolicy('static', { mask: -1 })).toThrow(/mask: /);
    expect(() => createPolicy('static', { every: '2' })).toThrow(/every: must be of type number/);
  });

  test.each<[string, string, unknown[], unknown[]]>([
    ['magcache', 'retention', [0, 0.5, 1], [-0.1, 1.1]],
    ['srap', 'cap', [0, 1], [-0.1, 1.1]],
    ['deltadit', 'share', [0.01, 0.5], [0, 0.51]],
    ['hlc', 'order', [0, 1, 2], [-1, 3, 0.5]],
    ['hlc', 'innerOrder', [0, 1], [-1, 2]],
    ['hlc', 'follow', [0, 1], [-0.1, 1.1]],
    ['quantcache-paper', 'baseProbability', [0, 1], [-0.1, 1.1]],
    ['quantcache-paper', 'gateFactor', [1, 3], [0.9, 0]],
  ])('of %s: %s has bounds', (policy, option, inside, outside) => {
    for (const value of inside) expect(() => createPolicy(policy, { [option]: value }), `${value}`).not.toThrow();
    for (const value of outside)
      expect(() => createPolicy(policy, { [option]: value }), `${value}`).toThrow(new RegExp(`${option}: `));
  });

  test('of more steps than any run has are refused', () => {
    for (const mask of ['1'.repeat(30), '01'.repeat(15), '999-999'])
      expect(() => createPolicy('static', { mask }), mask).toThrow(
        expect.objectContaining({ code: 'invalid_option', message: expect.stringMatching(/more than 1000 steps/) }),
      );
  });
});
