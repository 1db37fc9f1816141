import { expect, test } from 'vitest';
import { compute } from '../policy.ts';
import { createTrace } from '../trace.ts';
import { createBench, decisionsOf, testPolicy } from './conformance.ts';
import { createPolicy } from './index.ts';

testPolicy('full', { conservative: {}, variants: {} });

test('a step that runs as one graph is recorded as the modules that it is made of, without times of theirs', async () => {
  const bench = await createBench();
  const [whole, single] = [createTrace(), createTrace()];
  const found = await bench.sample(createPolicy('full'), { trace: whole });
  const asked = await bench.sample({ name: 'asked', begin: () => ({ decide: () => compute() }) }, { trace: single });
  const worst = Math.max(...found.map((value, i) => Math.abs(value - asked[i]!)));
  expect(worst).toBeLessThan(1e-4);
  expect(decisionsOf(whole).map((step) => step.length)).toEqual(decisionsOf(single).map((step) => step.length));
  const names = ({ decisions }: typeof whole) => decisions.map(({ path, step }) => `${step} ${path}`).sort();
  expect(names(whole)).toEqual(names(single));
  const timed = whole.decisions.filter(({ milliseconds }) => milliseconds !== undefined);
  expect(new Set(timed.map(({ level, whole }) => `${level} ${whole}`))).toEqual(new Set(['step true']));
  expect(single.decisions.every(({ milliseconds }) => milliseconds! > 0)).toBe(true);
  await bench.close();
});
