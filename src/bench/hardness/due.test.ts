/** What a measurement is expected to take. */
import { expect, test } from 'vitest';
import { evaluationsLeft, isComplete, type Records, type Wanted } from './due.ts';
import { hardnessRows } from './protocol.ts';

const cells = (count: number) => Array.from({ length: count }, (_, i) => ({ prompt: `prompt ${i}`, seed: 42 }));
const wanted: Wanted = { fidelity: cells(80), agreement: cells(200), oracle: cells(20) };
const nothing: Records = { fidelity: [], agreement: [], oracle: [] };
const left = (records: Records) => evaluationsLeft(wanted, records, hardnessRows(30));

/** 30 + 17 + 15 + 10 + 8 + 6 + 5 + 4 and 17 per clip; 30 + 5 + 4; full runs and searches. */
const parts = { fidelity: 80 * 112, agreement: 200 * 39, oracle: 20 * (30 + 300), fixed: 20 * (30 + 480) };

test('a measurement takes what its parts take', () => {
  expect(left(nothing)).toBe(parts.fidelity + parts.agreement + parts.oracle + parts.fixed);
  const { oracle: _, ...others } = wanted;
  expect(evaluationsLeft({ ...others, oracle: [] }, nothing, hardnessRows(30))).toBe(parts.fidelity + parts.agreement);
});

test('searches that were made tell how long the others are, and one that goes on takes what it has not taken yet', () => {
  const record = { paths: [], loss: 0, searched: 200 };
  const some = cells(5).map((cell) => ({ ...cell, ...record }));
  expect(left({ ...nothing, oracle: some })).toBe(left(nothing) - parts.oracle + 15 * (30 + 200));
  const all = wanted.oracle.map((cell) => ({ ...cell, ...record }));
  const unfinished = { evaluations: 3, paths: [], least: [] };
  const fixed = (searched: number) => ({ cells: wanted.oracle, paths: [], searched, unfinished });
  const others = parts.fidelity + parts.agreement;
  expect(left({ ...nothing, oracle: all, fixed: fixed(180) })).toBe(others + 20 * (30 + 300));
  expect(left({ ...nothing, oracle: all, fixed: fixed(900) })).toBe(others + 20 * (30 + 16));
  const done: Records = { ...nothing, oracle: all, fixed: { cells: wanted.oracle, paths: [], searched: 900 } };
  expect(left(done)).toBe(others);
  expect(isComplete({ ...wanted, fidelity: [], agreement: [] }, done)).toBe(true);
});
