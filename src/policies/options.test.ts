import { describe, expect, test } from 'vitest';
import { createPolicy } from './index.ts';

describe('options', () => {
  test('that look like numbers are texts where texts are taken', () => {
    expect(() => createPolicy('static', { mask: 8 })).not.toThrow();
    expect(() => createPolicy('static', { mask: -1 })).toThrow(/mask: /);
    expect(() => createPolicy('static', { every: '2' })).toThrow(/every: must be of type number/);
  });

  test('of more steps than any run has are refused', () => {
    for (const mask of ['1'.repeat(30), '01'.repeat(15), '999-999'])
      expect(() => createPolicy('static', { mask }), mask).toThrow(
        expect.objectContaining({ code: 'invalid_option', message: expect.stringMatching(/more than 1000 steps/) }),
      );
  });
});
