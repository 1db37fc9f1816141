import { expect, test } from 'vitest';
import { contextOf } from '../../../test/scalars.ts';
import { createTrace } from '../../trace.ts';
import { createBench, decisionsOf, testPolicy } from '../conformance.ts';
import { createPolicy } from '../index.ts';

const srap = { threshold: 100, cap: 0.25, protectFirst: 1, protectLast: 1 };
const hlc = { codebook: [[100, 5]], warmup: 2, order: 1 };

testPolicy('quantcache', {
  conservative: { srap: { threshold: 0 }, hlc: { codebook: [[1e-9, 0]] } },
  variants: {
    all: { srap, hlc: { ...hlc, inner: 0.5, innerKinds: ['cross-attention'] } },
    'without srap': { srap: false, hlc },
    'without hlc': { srap, hlc: false },
  },
});

test('parts alone decide as the policies of their names', async () => {
  const bench = await createBench();
  const decisions = async (name: string, options: Record<string, unknown>) => {
    const trace = createTrace();
    const latents = await bench.sample(createPolicy(name, options), { trace });
    return { decisions: decisionsOf(trace), latents };
  };
  const none = { srap: false, hlc: false, aigq: false };
  expect(await decisions('quantcache', { ...none, hlc })).toEqual(await decisions('hlc', hlc));
  expect(await decisions('quantcache', { ...none, srap })).toEqual(await decisions('srap', srap));
  expect(await decisions('quantcache', none)).toEqual(await decisions('full', {}));
  await bench.close();
});

test('where nobody asks, blocks are left out in runs that do not leap, and only there', () => {
  const finest = (options: Record<string, unknown>, canLeap = true) =>
    createPolicy('quantcache', options).begin(contextOf(12, 4, canLeap ? {} : { leap: undefined })).finest;
  expect(finest({})).toBe('step'); // all of a step is one graph
  expect(finest({}, false)).toBe('block');
  expect(finest({ hlc: false })).toBe('block');
  expect(finest({ hlc })).toBe('block');
  expect(finest({ srap })).toBe('block');
  expect(finest({ srap: false }, false)).toBe('step');
});

test('options of parts are checked with their names', () => {
  expect(() => createPolicy('quantcache', { hlc: { warmpu: 2 } })).toThrow(/hlc/);
  expect(() => createPolicy('quantcache', { aigq: true })).toThrow(/aigq/);
});
