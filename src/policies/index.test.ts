import { describe, expect, test } from 'vitest';
import { stack } from '../policy.ts';
import { summarize } from '../trace/summary.ts';
import { createTrace } from '../trace.ts';
import { createBench, decisionsOf } from './conformance.ts';
import { describePolicies } from './describe.ts';
import { createPolicy, policies } from './index.ts';

describe('the registry', () => {
  test('every policy is made under its name without options and has a description', () => {
    for (const [name, { description }] of Object.entries(policies)) {
      expect(createPolicy(name).name).toBe(name);
      expect(description).toMatch(/\S/);
    }
  });

  test('defaults are those on file: what changes one changes the clips of everybody who gave none', async () => {
    const defaults = describePolicies().map(({ name, options }) => {
      const values = Object.fromEntries(options.map((option) => [option.name, option.default]));
      return `${name} ${JSON.stringify(values)}\n`;
    });
    await expect(defaults.join('')).toMatchFileSnapshot('fixtures/defaults.txt');
  });

  test('unknown names and options are refused with what is allowed', () => {
    expect(() => createPolicy('tea')).toThrow(/no policy "tea".*teacache/);
    expect(() => createPolicy('toString')).toThrow(/no policy/);
    expect(() => createPolicy('teacache', { treshold: 0.1 })).toThrow(/treshold.*threshold \(default 0.1\)/);
    expect(() => createPolicy('full', { threshold: 1 })).toThrow(/no options at all/);
    expect(() => createPolicy('teacache', { threshold: 'much' })).toThrow(/threshold:.*number/);
    expect(() => createPolicy('adacache', { codebook: 'faster' })).toThrow(
      expect.objectContaining({ code: 'invalid_option' }),
    );
  });
});

describe('stack', () => {
  test('policies that keep the same residuals share them; the first opinion wins', async () => {
    const bench = await createBench();
    const both = () =>
      stack(
        'both',
        createPolicy('static', { every: 3 }),
        createPolicy('adacache', {
          codebook: [
            [10, 2],
            [20, 1],
          ],
        }),
      );
    const trace = createTrace();
    const latents = await bench.sample(both(), { trace });
    expect(latents.every(Number.isFinite)).toBe(true);
    expect(decisionsOf(trace).map((step) => step.at(-1))).toEqual([...'crrcrrcrrcrr']);
    expect(await bench.sample(both())).toEqual(latents);
    expect(trace.measurements.some(({ values }) => values.heldBytes! > 0)).toBe(true);
    await bench.close();
  });

  test('a policy of modules goes on inside what another computes', async () => {
    const bench = await createBench();
    const trace = createTrace();
    const attention = createPolicy('fora', { interval: 4, modules: ['self-attention', 'cross-attention'] });
    await bench.sample(stack('both', createPolicy('static', { every: 2 }), attention), { trace });
    const [step, , , module] = summarize(trace).levels;
    expect(step).toMatchObject({ compute: 6, reuse: 6 });
    expect(module).toMatchObject({ compute: 48, reuse: 24 });
    await bench.close();
  });
});
