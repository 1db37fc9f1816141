import { expect, it } from 'vitest';
import { parseRows } from './rows.ts';
import { suiteRows, suites } from './suites.ts';

const defaults = { numSteps: 30, precision: 'fp32' } as const;

it.each(Object.keys(suites))('%s consists of known policies with options that they take', (name) => {
  expect(parseRows(suiteRows(name), defaults).length).toBeGreaterThan(4);
});

it('paper has steps, caching with and without 8 bits, quantization and our own', () => {
  const rows = parseRows(suiteRows('paper'), defaults);
  const labels = rows.map(({ label }) => label);
  for (const label of [
    'full#15',
    'full#10',
    'full@w8a8/quarot',
    'full@w4a8/q-dit',
    'quantcache:profile=balanced',
    'quantcache-paper',
  ])
    expect(labels).toContain(label);
  const settings = (policy: string, precision: string) =>
    rows.filter((row) => row.policy === policy && row.precision === precision && !row.recipe);
  for (const policy of ['teacache', 'adacache', 'pab', 'fora', 'taylorseer', 'fbcache', 'magcache', 'easycache']) {
    expect(settings(policy, 'fp32').length).toBeGreaterThanOrEqual(3);
    expect(settings(policy, 'w8a8').length).toBe(settings(policy, 'fp32').length);
  }
});

it('other names are refused with those that there are', () => {
  expect(() => suiteRows('field')).toThrow(/"field".*paper/);
});
