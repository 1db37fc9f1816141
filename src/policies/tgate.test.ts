import { expect, test } from 'vitest';
import { createTrace } from '../trace.ts';
import { createBench, testPolicy } from './conformance.ts';
import { createPolicy } from './index.ts';

testPolicy('tgate', {
  conservative: { gate: 1000, planning: 1 },
  variants: { default: {}, early: { gate: 5, planning: 2, improving: 2, warmup: 1 } },
});

/** What is held after each step, in bytes. */
async function heldBy(options: Record<string, unknown>): Promise<number[]> {
  const bench = await createBench();
  const trace = createTrace();
  await bench.sample(createPolicy('tgate', options), { trace });
  await bench.close();
  return trace.measurements.flatMap(({ values }) => values.heldBytes ?? []);
}

test('after the gate nothing of self-attention is held, where it is always computed', async () => {
  const held = await heldBy({ gate: 8, planning: 2, warmup: 1 });
  expect(held).toHaveLength(12);
  const [before, after] = [held[4]!, held[9]!];
  expect(before).toBeGreaterThan(0);
  // As many modules look at the text as at the clip.
  expect(after).toBe(before);
});
