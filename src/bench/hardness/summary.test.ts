/** What is measured, and the maths of what it comes to, on made-up numbers. */
import { describe, expect, test } from 'vitest';
import { demoGeometry } from '../testing.ts';
import { coverageOf, type Place } from './coverage.ts';
import type { Hardness } from './hardness.ts';
import { cachedEvaluations, hardnessRows, warmupMask } from './protocol.ts';
import { gapOfTenths, rankCorrelation } from './rank.ts';
import type { FidelityRecord } from './records.ts';
import { hardnessReport } from './report.ts';
import { summarizeHardness } from './summary.ts';

/** The steps that `static` computes under a mask. */
function computedBy(mask: string): number[] {
  const flags = mask.split('-').flatMap((length, i) => Array<boolean>(Number(length)).fill(i % 2 === 0));
  return flags.flatMap((computed, step) => (computed ? step : []));
}

describe('protocol', () => {
  test('whole-step reuse computes the first three steps and then every second: 17 of 30', () => {
    expect(computedBy(warmupMask(30))).toEqual([0, 1, 2, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29]);
    expect(cachedEvaluations(30)).toBe(17);
    for (const numSteps of [2, 3, 4, 7])
      expect(computedBy(warmupMask(numSteps))).toHaveLength(cachedEvaluations(numSteps));
  });

  test('its rows are compared with full computation of as many evaluations, in fp32', () => {
    const { full, fewer, judged } = hardnessRows(30);
    expect(fewer.map(({ label }) => label)).toEqual([
      'full#17',
      'full#15',
      'full#10',
      'full#8',
      'full#6',
      'full#5',
      'full#4',
      'static',
    ]);
    expect(judged.map(({ label }) => label)).toEqual(['full', 'full#5', 'full#4']);
    expect([full, ...fewer].every(({ precision }) => precision === 'fp32')).toBe(true);
    expect(hardnessRows(5).fewer.map(({ label }) => label)).toEqual(['full#4', 'static']);
  });
});

test('rank correlation is that of ranks, equal values sharing theirs', () => {
  expect(rankCorrelation([1, 2, 3], [10, 100, 1000])).toBeCloseTo(1);
  expect(rankCorrelation([1, 2, 3], [3, 2, 1])).toBeCloseTo(-1);
  expect(rankCorrelation([1, 2, 2, 4], [1, 2, 3, 4])).toBeCloseTo(0.9487, 4); // scipy.stats.spearmanr
  expect(rankCorrelation([1, 1], [1, 2])).toBeNaN();
});

test('the gap is between the means of tenths', () => {
  const values = Array.from({ length: 20 }, (_, i) => i);
  expect(gapOfTenths(values)).toBe(18);
  expect(gapOfTenths([3, 5])).toBe(2);
});

test('places that are scattered evenly cover the room, places in the middle do not', () => {
  const grid = Array.from({ length: 200 }, (_, i): Place => ({ x: (i % 20) / 19, y: Math.floor(i / 20) / 9 }));
  expect(coverageOf(grid)).toEqual({ share: 1, cells: 5, places: 200 });
  const middle = grid.map(({ x, y }) => ({ x: 0.45 + x / 10, y: 0.45 + y / 10 }));
  expect(coverageOf(middle).share).toBe(1 / 25);
  expect(coverageOf([{ x: 0, y: 1 }])).toEqual({ share: 1, cells: 1, places: 1 });
});

const right = { objects: 1, wrong: [] };
const wrong = { objects: 1, wrong: ['shape'] };
const fidelity = (prompt: string, seed: number, full8: number, more: Partial<FidelityRecord> = {}): FidelityRecord => ({
  prompt,
  seed,
  psnr: { 'full#8': full8, static: full8 + 10 },
  trajectory: { divergence: [0.3, 0.1], bend: [0.2, full8 / 1000], detour: 1.1 },
  verdicts: { full: right, 'full#8': full8 > 25 ? right : wrong, static: right },
  ...more,
});

const records: Pick<Hardness, 'settings' | 'fidelity' | 'agreement' | 'oracle' | 'fixed'> = {
  settings: {
    model: 'demo',
    weights: 'd26e0df54651aa',
    numSteps: 30,
    guidanceScale: 4,
    geometry: demoGeometry,
    cached: { mask: warmupMask(30), evaluations: 17 },
    oracle: { leaps: [1, 2, 4, 8], beam: 2, fitted: false },
  },
  fidelity: [
    fidelity('a', 42, 20),
    fidelity('a', 43, 22, { otherSeed: 18 }),
    fidelity('b', 42, 30, { otherPrompt: 10 }),
    fidelity('b', 43, 34, { otherSeed: 24, otherPrompt: 12 }),
  ],
  agreement: [
    { prompt: 'a', seed: 42, verdicts: { full: right, 'full#5': wrong }, places: [{ x: 0.5, y: 0.5 }] },
    {
      prompt: 'b',
      seed: 43,
      verdicts: { full: { objects: 2, wrong: ['shape', 'motion'] }, 'full#5': { objects: 2, wrong: [] } },
      places: [],
    },
    { prompt: 'unknown words', seed: 44, places: [] },
  ],
  oracle: [],
};

describe('summary', () => {
  const summary = summarizeHardness(records);

  test('of rows: median, 10th percentile, worst, and what is above another seed', () => {
    const [full8, cached] = summary.fidelity!.rows;
    expect(full8).toEqual({ label: 'full#8', evaluations: 8, median: 26, tenth: 20.6, worst: 20, aboveAnotherSeed: 5 });
    expect(cached).toMatchObject({ label: 'static', evaluations: 17, median: 36, aboveAnotherSeed: 15 });
    expect(summary.fidelity!.anotherSeed).toEqual({ median: 21, tenth: 18.6, worst: 18 });
    expect(summary.fidelity!.anotherPrompt!.median).toBe(11);
  });

  test('of prompts: means over seeds, and their order between seeds', () => {
    expect(summary.fidelity!.prompts).toMatchObject({
      row: 'full#8',
      prompts: 2,
      median: 26.5,
      gap: 11,
      orderBetweenSeeds: 1,
    });
  });

  test('of trajectories: medians by step', () => {
    expect(summary.fidelity!.trajectory).toEqual({ divergence: [0.3, 0.1], bend: [0.2, 0.026], detour: 1.1 });
  });

  test('of agreement: by row, by attribute, one and two objects apart, prompts that cannot be judged left out', () => {
    const of = (label: string, objects: number) =>
      summary.agreement!.rows.find((row) => row.label === label && row.objects === objects)!;
    expect(summary.agreement!.clips).toBe(3);
    expect(of('full', 1)).toMatchObject({ clips: 1, right: { shape: 1, all: 1 } });
    expect(of('full#5', 1)).toMatchObject({ clips: 1, right: { shape: 0, motion: 1, all: 0 } });
    expect(of('full', 2)).toMatchObject({ clips: 1, right: { shape: 0, motion: 0, colour: 1, all: 0 } });
    expect(summary.fidelity!.agreement.find(({ label }) => label === 'full#8')!.right.all).toBe(0.5);
  });

  test('the report has a line per row, and only parts that were measured', () => {
    const hardness: Hardness = { format: 'quantcache-hardness', version: 1, machines: [], ...records, summary };
    const text = hardnessReport(hardness);
    expect(text).toMatch(/\| full#8 +\| +8 \| +26\.0 \| +20\.6 \| +20\.0 \| +5\.0 \| +50\.0% \|/);
    expect(text).toMatch(/\| another seed +\| +\| +21\.0 \| /);
    expect(text).toContain('17 frames of 64x64, 30 Euler steps, guidance 4, fp32');
    expect(text).not.toContain('oracle');
  });
});
