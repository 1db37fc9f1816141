import { expect, test } from 'vitest';
import { createPolicy } from '../index.ts';
import { misfits, parseProfile, type Setting } from './profile.ts';

const fitted = {
  ...{ height: 64, width: 64, frames: 17, fps: 8, guidanceScale: 4, sampler: 'euler', conditioning: 'text' as const },
  steps: [30, 100],
};
const written = {
  format: 'quantcache-profile',
  version: 3,
  name: 'balanced',
  model: { name: 'demo', hash: 'abc' },
  fitted,
  options: { srap: false, hlc: { order: 1, codebook: [[0.1, 4]] } },
};
const parse = (change: object) => parseProfile(JSON.stringify({ ...written, ...change }), 'p.json');
const planned = (...outputs: number[][]) => ({ hlc: { plans: { 30: [{ step: 0, latents: 1, outputs }], 100: [] } } });

test('a profile gives options that the policy takes', () => {
  const profile = parse({});
  expect(profile.options.hlc).toMatchObject({ order: 1, warmup: 3 });
  expect(createPolicy('quantcache', profile.options).name).toBe('quantcache');
});

test('an older file, which does not say what it was fitted for, can be read', () => {
  const { fitted: _, ...older } = written;
  expect(parseProfile(JSON.stringify({ ...older, version: 2, numSteps: 30 }), 'p.json').fitted).toBeUndefined();
});

test('other files, versions and options are refused with what is wrong', () => {
  expect(() => parseProfile('{', 'p.json')).toThrow(/p.json is not a profile of this version: it is not JSON/);
  expect(() => parse({ version: 1 })).toThrow(/version/);
  expect(() => parse({ fitted: undefined })).toThrow(/what it was fitted for is missing/);
  expect(() => parse({ options: { hlc: { warmpu: 1 } } })).toThrow(/options/);
});

test('a plan is there for each number of steps, with as many weights as guidance takes', () => {
  const unguided = { ...fitted, guidanceScale: 1 };
  expect(parse({ options: planned([1.8, -0.8], [0.1, 0.2]) }).options.hlc).toBeTruthy();
  expect(parse({ options: planned([1]), fitted: unguided }).options.hlc).toBeTruthy();
  expect(() => parse({ options: planned([1]) })).toThrow(/guidance 4 takes 2 weights per output/);
  expect(() => parse({ options: planned([1, 2]), fitted: unguided })).toThrow(/guidance 1 takes 1 weights/);
  expect(() => parse({ options: planned([1, 2, 3]) })).toThrow(/options\.hlc\.plans\.30\.0\.outputs\.0: .*2/);
  expect(() => parse({ options: planned([1, 2], [1]) })).toThrow(/plans\.30: all outputs take as many weights/);
  expect(() => parse({ fitted: { ...fitted, steps: [30, 50] }, options: planned([1, 2]) })).toThrow(
    /no plan for 50 steps/,
  );
  expect(() => parse({ fitted: { ...fitted, steps: [] } })).toThrow(/fitted\.steps/);
});

test('a run differs from what was fitted in every setting that the fit holds for', () => {
  const { steps: _, ...setting } = fitted;
  const run: Setting = { ...setting, numSteps: 100 };
  expect(misfits(fitted, run)).toEqual([]);
  const changes: Partial<Setting>[] = [
    ...[{ height: 32 }, { width: 96 }, { frames: 51 }, { fps: 24 }, { numSteps: 50 }, { guidanceScale: 4.5 }],
    ...[{ sampler: 'heun' }, { conditioning: 'text and frames' }],
  ];
  for (const change of changes) expect(misfits(fitted, { ...run, ...change }), JSON.stringify(change)).toHaveLength(1);
});
