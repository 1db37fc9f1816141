import { expect, test } from 'vitest';
import type { Precision } from '../model.ts';
import type { Decision } from '../trace.ts';
import { costsOf, predictTime, type TimedRun } from './cost.ts';

/** A step of two modules that took so long: computed in these precisions, or reused as a whole. */
function stepOf(step: number, milliseconds: number, precisions: readonly Precision[]): Decision[] {
  const [precision = 'fp32'] = precisions;
  const modules = precisions.map(
    (one, i): Decision => ({ step, path: `m.${i}`, level: 'module', did: 'compute', precision: one, milliseconds: 1 }),
  );
  const did = precisions.length > 0 ? 'compute' : 'reuse';
  return [...modules, { step, path: 'step', level: 'step', did, precision, milliseconds }];
}

const runOf = (decisions: readonly Decision[][], denoise: number, total: number): TimedRun => ({
  trace: { decisions: decisions.flat() },
  numSteps: decisions.length,
  denoise,
  total,
});

test('costs are medians: of steps computed in one precision, of the rest of a step, of the rest of a clip', () => {
  const runs = [
    runOf([stepOf(0, 10, ['fp32', 'fp32']), stepOf(1, 30, ['fp32', 'fp32']), stepOf(2, 4, [])], 46, 100),
    runOf([stepOf(0, 20, ['fp32', 'fp32']), stepOf(1, 5, ['w8a8', 'w8a8'])], 33, 40),
    // A step of two precisions tells nothing about either of them.
    runOf([stepOf(0, 900, ['fp32', 'w8a8'])], 907, 1000),
  ];
  const costs = costsOf(runs);
  expect([...costs.computed]).toEqual([
    ['fp32', 20],
    ['w8a8', 5],
  ]);
  // (46 - 40) / 3, (33 - 25) / 2 and (907 - 900) / 1; 54, 7 and 93.
  expect([costs.step, costs.clip]).toEqual([4, 54]);
  expect(predictTime(costs, { numSteps: 10, computed: 3, precision: 'w8a8' })).toEqual({ denoise: 55, total: 109 });
  expect(predictTime(costs, { numSteps: 10, computed: 3, precision: 'w4a8' })).toEqual({ denoise: 40, total: 94 });
});
