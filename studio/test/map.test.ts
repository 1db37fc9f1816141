import { expect, test } from 'vitest';
import { gridOf } from '../src/components/map/grid.ts';
import { cellAt, layoutOf } from '../src/components/map/paint.ts';
import { reasonOf } from '../src/components/map/reasons.ts';
import { clips } from './fake/clips.ts';

const traceOf = (name: string) => clips.find((clip) => clip.name === name)!.trace;
const plan = { hlc: { plans: { 30: [{ step: 0 }, { step: 1 }, { step: 3 }, { step: 6 }] } } };

test('a map has a row per module and one for the whole step, and a column per step', () => {
  const trace = traceOf('star-balanced');
  const grid = gridOf(trace);
  expect(grid.numSteps).toBe(30);
  expect(grid.rows).toHaveLength(1 + trace.blocks.reduce((sum, { modules }) => sum + modules.length, 0));
  expect(grid.cells[0]!.filter(({ fill }) => fill === 'w8a8')).toHaveLength(10);
  expect(grid.cells[5]![2]!.fill).toBe('reused-step');
});

test('everything of a full run was computed', () => {
  const fills = gridOf(traceOf('star-full'))
    .cells.flat()
    .map(({ fill }) => fill);
  expect(new Set(fills)).toEqual(new Set(['fp32']));
});

test('reasons say what was done, from which step, and by which plan', () => {
  const trace = traceOf('star-balanced');
  const grid = gridOf(trace);
  expect(reasonOf(trace, grid, { row: 3, step: 4 }, plan)).toEqual({
    what: 'The whole step was leapt over from step 3.',
    why: ['The profile’s plan computes nothing until step 6: a fitted leap goes there.'],
  });
  expect(reasonOf(trace, grid, { row: 3, step: 4 }).why).toEqual(['Nothing is computed until step 6.']);
  expect(reasonOf(trace, grid, { row: 0, step: 3 }, plan).why).toEqual([
    'Step 3 of the 4 that the profile’s plan computes.',
  ]);
});

test('a step from which a leap follows the clip says how far, and what the leaps aim at', () => {
  const balanced = traceOf('star-balanced');
  const { paths } = gridOf(balanced).rows[0]!;
  const values = { next: 6, difficulty: 1.25, quality: 41.234 };
  const trace = { ...balanced, measurements: [{ step: 3, path: paths[0]!, values }] };
  expect(reasonOf(trace, gridOf(trace), { row: 0, step: 3 }, { hlc: { leaps: { quality: 39 } } }).why).toEqual([
    'the next step that is computed: 6',
    'how hard the clip is, beside the average one: 1.25',
    'decibels against full computation, as estimated so far: 41.2, aims at 39',
  ]);
});

test('reasons give the numbers that a policy measured, and what they were held against', () => {
  const trace = traceOf('star-teacache');
  const grid = gridOf(trace);
  const reused = grid.cells[0]!.findIndex(({ decision }) => decision?.did === 'reuse');
  const { why } = reasonOf(trace, grid, { row: 0, step: reused }, { threshold: 0.2 });
  expect(why).toContainEqual(expect.stringMatching(/^relative change: 0\.\d+$/));
  expect(why).toContainEqual(expect.stringMatching(/^change added up .*: 0\.\d+, threshold 0\.2$/));
});

test('what could not be measured is left out', () => {
  const { blocks, decisions, ...rest } = traceOf('star-full');
  const values = { change: null, rate: 0.5 } as unknown as Record<string, number>;
  const trace = { ...rest, blocks, decisions, measurements: [{ step: 0, path: 'step', values }] };
  expect(reasonOf(trace, gridOf(trace), { row: 0, step: 0 }).why).toEqual([
    '“full” computes everything.',
    'change per step: 0.500',
  ]);
});

test('points are found in the cell that is drawn there', () => {
  const layout = layoutOf(gridOf(traceOf('star-balanced')), 600);
  expect(cellAt(layout, 1, 1)).toEqual({ row: 0, step: 0 });
  expect(cellAt(layout, 599, layout.rows[36]!.top + 1)).toEqual({ row: 36, step: 29 });
  expect(cellAt(layout, 600, 1)).toBeUndefined();
  expect(cellAt(layout, 5, layout.height + 50)).toBeUndefined();
});
