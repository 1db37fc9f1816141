import { expect, test } from 'vitest';
import { release, retain } from './sharing.ts';

test('the last owner disposes, and only the last', () => {
  let disposed = 0;
  const tensor = { dims: [1], type: 'float32', dispose: () => disposed++ };
  retain(retain(tensor));
  release(tensor);
  release(tensor);
  expect(disposed).toBe(0);
  release(tensor);
  expect(disposed).toBe(1);
});
