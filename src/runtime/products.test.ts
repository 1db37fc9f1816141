import { afterEach, expect, test, vi } from 'vitest';
import { createRuntime } from './node.ts';
import { tryIntegerProducts } from './products.ts';

afterEach(() => vi.unstubAllEnvs());

/** A device whose every product is `sum`. */
const answering = (sum: number) => ({
  compile: async () => ({ run: async () => ({ y: { dims: [], type: 'float32', dispose() {} } }), async dispose() {} }),
  tensor: () => ({ dims: [], type: 'float32', dispose() {} }),
  read: async () => new Float32Array(8 * 32).fill(sum),
});

test('the self-test compares with arithmetic', async () => {
  expect(await tryIntegerProducts(answering(255 * 127 * 64))).toBe('exact');
  expect(await tryIntegerProducts(answering(32_767 * 32))).toBe('saturates');
});

test('what is found decides, unless it is given', async () => {
  vi.stubEnv('QUANTCACHE_INTEGER_PRODUCTS', '');
  const measured = await createRuntime({ threads: 1 });
  expect(measured.integerProducts).toBe(await tryIntegerProducts(measured));
  vi.stubEnv('QUANTCACHE_INTEGER_PRODUCTS', 'saturates');
  expect(await createRuntime({ threads: 1 })).toMatchObject({
    integerProducts: 'saturates',
    description: expect.stringMatching(/, CPU, 1 thread, unsigned 8-bit weights, as signed ones saturate$/),
  });
  expect(await createRuntime({ threads: 1, integerProducts: 'exact' })).toMatchObject({
    integerProducts: 'exact',
    description: expect.stringMatching(/, CPU, 1 thread, signed 8-bit weights$/),
  });
});

test('the environment may only say what there is', async () => {
  vi.stubEnv('QUANTCACHE_INTEGER_PRODUCTS', 'maybe');
  await expect(createRuntime()).rejects.toMatchObject({
    code: 'invalid_option',
    message: expect.stringMatching(/"maybe".*exact or saturates/),
  });
});
