import { expect, test } from 'vitest';
import { assertSameWeights } from './bound.ts';

test('what was measured on other weights is refused with both names', () => {
  const check = (hash: string) => () =>
    assertSameWeights('The profile "balanced"', { name: 'demo', hash: 'abc' }, { name: 'mine', hash });
  expect(check('abd')).toThrow(/"balanced" was measured on demo \(abc\), not on mine \(abd\)/);
  expect(check('abd')).toThrow(expect.objectContaining({ code: 'weights_mismatch' }));
  expect(check('abc')).not.toThrow();
});
