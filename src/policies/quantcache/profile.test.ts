import { expect, test } from 'vitest';
import { createPolicy } from '../index.ts';
import { parseProfile } from './profile.ts';

const written = {
  format: 'quantcache-profile',
  version: 2,
  name: 'balanced',
  model: { name: 'demo', hash: 'abc' },
  numSteps: 30,
  options: { srap: false, hlc: { order: 1, codebook: [[0.1, 4]] } },
};

test('a profile gives options that the policy takes', () => {
  const profile = parseProfile(JSON.stringify(written), 'p.json');
  expect(profile.options.hlc).toMatchObject({ order: 1, warmup: 3 });
  expect(createPolicy('quantcache', profile.options).name).toBe('quantcache');
});

test('other files, versions and options are refused with what is wrong', () => {
  const refused = (change: object) => () => parseProfile(JSON.stringify({ ...written, ...change }), 'p.json');
  expect(() => parseProfile('{', 'p.json')).toThrow(/p.json is not a profile.*it is not JSON/);
  expect(refused({ version: 1 })).toThrow(/version/);
  expect(refused({ options: { hlc: { warmpu: 1 } } })).toThrow(/options/);
});
