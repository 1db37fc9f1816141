/** The maths of the tables, on made-up numbers. */
import { describe, expect, it } from 'vitest';
import type { ClipResult, Comparison } from './comparison.ts';
import { dimensions } from './dimensions.ts';
import type { Machine } from './machine.ts';
import { fullRow, parseRows } from './rows.ts';
import { quantile, spreadOf } from './spread.ts';
import { summarizeRows } from './summary.ts';
import { agreementTable, comparisonTable, markdownTable } from './table.ts';
import { demoGeometry } from './testing.ts';
import { timeLeft } from './timeleft.ts';

const right = { shape: true, colour: true, size: true, motion: true, background: true, all: true };

interface Made {
  row: string;
  prompt: string;
  total: number;
  denoise?: number;
  psnr?: number;
  isRight?: boolean;
}

function clip({ row, prompt, total, denoise = total / 2, psnr, isRight }: Made): ClipResult {
  return {
    row,
    prompt,
    seed: 42,
    session: 0,
    load: 1,
    times: { total, denoise, text: 1, decode: 2, save: 3, processor: total * 2 },
    modules: row === 'full' ? 3000 : 1500,
    flops: row === 'full' ? 3e9 : 1e9,
    precisions: { fp32: 1 },
    peakBytes: total * 2 ** 20,
    ...(psnr !== undefined && { fidelity: { psnr, ssim: psnr / 100, relativeL2: 1 / psnr } }),
    ...(isRight !== undefined && { agreement: { ...right, motion: isRight, all: isRight } }),
  };
}

function comparison(rows: string, numSteps: number, clips: ClipResult[]): Comparison {
  const cells = [...new Set(clips.map(({ prompt }) => prompt))].map((prompt) => ({ prompt, seed: 42 }));
  const body = {
    format: 'quantcache-comparison',
    version: 1,
    settings: {
      model: 'demo',
      numSteps,
      guidanceScale: 4,
      geometry: demoGeometry,
    },
    fingerprint: { cell: cells[0]!, values: [1] },
    rows: [fullRow(numSteps, numSteps), ...parseRows(rows, { numSteps, precision: 'fp32' })],
    cells,
    fullStep: { modules: 100, flops: 1e8 },
    machines: [],
    clips,
  } as const;
  return { ...body, summary: summarizeRows(body) };
}

/** The tables in a Markdown text: a record per row, by its first cell, of its cells by their titles. */
function tablesOf(text: string): Record<string, Record<string, string>>[] {
  const cellsOf = (line: string) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim());
  const tables = text.split('\n\n').filter((part) => part.startsWith('|'));
  return tables.map((table) => {
    const [header, , ...lines] = table.split('\n').map(cellsOf);
    return Object.fromEntries(
      lines.map((cells) => [cells[0], Object.fromEntries(header!.map((title, i) => [title, cells[i]!]))]),
    );
  });
}

describe('spread', () => {
  it('interpolates as numpy does', () => {
    expect(spreadOf([4, 1, 3, 2])).toEqual({ least: 1, lower: 1.75, median: 2.5, upper: 3.25, most: 4 });
    expect(spreadOf([7])).toEqual({ least: 7, lower: 7, median: 7, upper: 7, most: 7 });
    expect(quantile([10, 20, 30], 0.9)).toBeCloseTo(28, 12);
  });
});

describe('rows', () => {
  const clips = [
    clip({ row: 'full', prompt: 'a', total: 100, denoise: 80, isRight: true }),
    clip({ row: 'full', prompt: 'b', total: 300, denoise: 240, isRight: true }),
    clip({ row: 'full', prompt: 'c', total: 200, denoise: 160, isRight: false }),
    clip({ row: 'teacache', prompt: 'a', total: 50, denoise: 20, psnr: 30, isRight: true }),
    clip({ row: 'teacache', prompt: 'b', total: 100, denoise: 40, psnr: 20, isRight: false }),
    clip({ row: 'teacache', prompt: 'c', total: 50, denoise: 20, psnr: 40, isRight: false }),
    clip({ row: 'full#15', prompt: 'a', total: 60, denoise: 40, psnr: 25 }),
  ];
  const [full, teacache, half] = comparison('teacache,full#15', 30, clips).summary;

  it('speed-ups are medians of ratios, clip by clip', () => {
    expect(teacache!.sameSteps!.endToEnd).toEqual({ least: 2, lower: 2.5, median: 3, upper: 3.5, most: 4 });
    expect(teacache!.sameSteps!.transformer.median).toBe(6);
    expect(teacache!.sameSteps!.processor.median).toBe(3);
    expect(teacache!.at30).toEqual(teacache!.sameSteps);
    expect(full!.sameSteps!.endToEnd.median).toBe(1);
  });

  it('fewer steps are as fast as full at their own, faster than full at 30', () => {
    expect(half!.sameSteps!.endToEnd.median).toBe(1);
    expect(half!.at30!.endToEnd.median).toBeCloseTo(100 / 60, 12);
    expect(half!.clips).toBe(1);
  });

  it('shares are of full computation', () => {
    expect([full!.modules, full!.flops]).toEqual([1, 1]);
    expect(teacache!.modules).toBe(0.5);
    expect(teacache!.flops).toBeCloseTo(1 / 3, 12);
  });

  it('all rows have one denominator in common', () => {
    expect(half!.reference!.endToEnd.median).toBeCloseTo(100 / 60, 12);
    expect(teacache!.reference).toEqual(teacache!.sameSteps);
  });

  it('figures of clips alone are means, where every clip has them', () => {
    const temporal = (dynamicDegree: number) => ({ flicker: 1, motionSmoothness: 1, dynamicDegree });
    const measured = [
      { ...clips[0]!, temporal: temporal(0.2) },
      { ...clips[1]!, temporal: temporal(0.4) },
    ];
    const [row] = comparison('full', 30, measured).summary;
    expect(row!.temporal!.dynamicDegree).toBeCloseTo(0.3, 12);
    expect(comparison('full', 30, [...measured, clips[2]!]).summary[0]!.temporal).toBeUndefined();
  });

  it('a figure that some clips lack, as in files of earlier versions, is left out', () => {
    const temporal = { flicker: 1, motionSmoothness: 1, dynamicDegree: 0.5 };
    const measured = [
      { ...clips[0]!, temporal: { ...temporal, imagingQuality: 0.9 } },
      { ...clips[1]!, temporal },
    ];
    expect(comparison('full', 30, measured).summary[0]!.temporal).toEqual(temporal);
  });

  it('the feature distance is there where every clip has one', () => {
    const far = (featureDistance: number, i: number) => ({
      ...clips[i]!,
      fidelity: { ...clips[i]!.fidelity!, featureDistance },
    });
    const all = comparison('teacache', 30, [clips[0]!, far(0.1, 3), far(0.5, 4), far(0.3, 5)]).summary[1]!;
    expect(all.fidelity!.featureDistance).toMatchObject({ median: 0.3, most: 0.5 });
    const some = comparison('teacache', 30, [clips[0]!, far(0.1, 3), clips[4]!]).summary[1]!;
    expect(some.fidelity!.psnr.median).toBe(25);
    expect(some.fidelity!.featureDistance).toBeUndefined();
  });

  it('scores of a CLIP model are means, unless some clips lack them or have another model’s', () => {
    const scored = (clipSim: number, i: number, model = 'vit') => ({
      ...clips[i]!,
      clipScores: { model, clipSim, clipTemp: 1 - clipSim },
    });
    const scoresOf = (...made: ClipResult[]) => comparison('full', 30, made).summary[0]!.clipScores;
    expect(scoresOf(scored(0.25, 0), scored(0.75, 1))).toEqual({ model: 'vit', clipSim: 0.5, clipTemp: 0.5 });
    expect(scoresOf(scored(0.25, 0), clips[1]!)).toBeUndefined();
    expect(scoresOf(scored(0.25, 0), scored(0.75, 1, 'other'))).toBeUndefined();
  });

  it('the worst clip stands beside the median', () => {
    expect(teacache!.fidelity).toMatchObject({ psnr: { median: 30, least: 20 }, worst: { prompt: 'b', seed: 42 } });
    expect(full!.fidelity).toBeUndefined();
  });

  it('agreement is a share of clips', () => {
    expect(full!.agreement!.all).toBeCloseTo(2 / 3, 12);
    expect(teacache!.agreement).toMatchObject({ shape: 1, all: 1 / 3 });
    expect(teacache!.sceneAgreement).toBe(1);
    expect(teacache!.overallAgreement).toBeCloseTo((4 + 1 / 3) / 5, 12);
    expect(half!.overallAgreement).toBeUndefined();
    expect(half!.agreement).toBeUndefined();
  });

  it('clips of other prompts in the file do not count', () => {
    const one = comparison('teacache', 30, clips);
    const cells = [{ prompt: 'a', seed: 42 }];
    expect(summarizeRows({ ...one, cells })[1]).toMatchObject({ clips: 1, sameSteps: { endToEnd: { median: 2 } } });
  });

  it('with 100 steps there are two denominators', () => {
    const [, at30, row] = comparison('full#30,teacache', 100, [
      clip({ row: 'full', prompt: 'a', total: 1000 }),
      clip({ row: 'full#30', prompt: 'a', total: 300 }),
      clip({ row: 'teacache', prompt: 'a', total: 100 }),
    ]).summary;
    expect(row!.sameSteps!.endToEnd.median).toBe(10);
    expect(row!.at30!.endToEnd.median).toBe(3);
    expect(at30!.sameSteps!.endToEnd.median).toBe(1);
  });

  it('without a denominator there is no speed-up', () => {
    const [row] = comparison('teacache', 10, [clip({ row: 'teacache', prompt: 'a', total: 100 })]).summary;
    expect(row).toMatchObject({ label: 'teacache', sameSteps: undefined, at30: undefined });
  });
});

describe('tables', () => {
  it('are aligned Markdown', () => {
    expect(
      markdownTable(
        ['name', 'x'],
        [
          ['a', '10'],
          ['longer', '5'],
        ],
      ),
    ).toBe(['| name   |  x |', '| ------ | -: |', '| a      | 10 |', '| longer |  5 |'].join('\n'));
  });

  it('say speed-up, quartiles, worst clip and equality', () => {
    const table = comparisonTable(
      comparison('teacache,fora', 30, [
        clip({ row: 'full', prompt: 'a', total: 100 }),
        clip({ row: 'full', prompt: 'b', total: 100 }),
        clip({ row: 'teacache', prompt: 'a', total: 50, psnr: 31 }),
        clip({ row: 'teacache', prompt: 'b', total: 25, psnr: 21 }),
        clip({ row: 'fora', prompt: 'a', total: 50, psnr: 120 }),
      ]),
    );
    const [main, details] = tablesOf(table);
    expect(main!.teacache).toMatchObject({ 'end to end': '3.00x', 'PSNR (worst)': '26.0 (21.0)', computed: '33.3%' });
    expect(main!.fora).toMatchObject({ 'PSNR (worst)': 'equal (equal)' });
    expect(details!.teacache).toMatchObject({ 'end to end': '3.00x (2.50-3.50)', memory: '50 MB' });
    expect(table).toContain('- teacache: 21.0 dB, "b", seed 42');
    expect(table).not.toContain('- fora');
    expect(table).not.toMatch(/full at 30|same steps/);
    expect(table).not.toContain('agreement');
  });

  it('show what the encoder, the world and a CLIP model say, where they say it', () => {
    const plain = [
      clip({ row: 'full', prompt: 'a', total: 100 }),
      clip({ row: 'fora', prompt: 'a', total: 50, psnr: 30 }),
    ];
    const without = tablesOf(comparisonTable(comparison('fora', 30, plain)));
    expect(without).toHaveLength(2);
    expect(Object.keys(without[0]!.fora!)).not.toContain('agreement');
    expect(Object.keys(without[1]!.fora!)).not.toContain('feature distance (worst)');
    const temporal = {
      flicker: 1.25,
      motionSmoothness: 0.9,
      dynamicDegree: 0.1,
      subjectConsistency: 0.8,
      backgroundConsistency: 0.7,
      imagingQuality: 0.6,
      objectQuality: 0.5,
    };
    const agreement = { ...right, colour: false, all: false };
    const made = plain.map((one) => ({
      ...one,
      temporal,
      agreement,
      clipScores: { model: 'vit', clipSim: 0.21, clipTemp: 0.99 },
      ...(one.fidelity && { fidelity: { ...one.fidelity, featureDistance: 0.0123 } }),
    }));
    const [main, details, clips] = tablesOf(comparisonTable(comparison('fora', 30, made)));
    expect(main!.fora).toMatchObject({ agreement: '0.0%' });
    expect(details!.fora).toMatchObject({ 'feature distance (worst)': '0.0123 (0.0123)' });
    const row = clips!.fora!;
    expect(row).toMatchObject({
      smoothness: '90.0%',
      background: '70.0%',
      subject: '80.0%',
      object: '50.0%',
      imaging: '60.0%',
      dynamic: '10.0%',
      scene: '100.0%',
      overall: '80.0%',
      flicker: '1.25',
      CLIPSIM: '0.2100',
      'CLIP-Temp': '0.9900',
    });
    expect(dimensions.map(({ title }) => title).filter((title) => row[title] === undefined)).toEqual([]);
  });

  it('show processor time where the machine was busy', () => {
    const one = comparison('fora', 30, [clip({ row: 'full', prompt: 'a', total: 100 })]);
    const on = (cores: number) => comparisonTable({ ...one, machines: [{ cores, date: '' } as Machine] });
    expect(on(2)).not.toContain('processor time');
    expect(on(-1)).toMatch(/processor time.*was busy/s);
  });

  it('name each denominator where they differ', () => {
    const clips = [clip({ row: 'full', prompt: 'a', total: 1000 }), clip({ row: 'full#30', prompt: 'a', total: 300 })];
    const [main, details] = tablesOf(comparisonTable(comparison('full#30', 100, clips)));
    expect(main!['full#30']).toMatchObject({ 'end to end': '3.33x', 'end to end, full at 30': '1.00x' });
    expect(details!['full#30']).toMatchObject({
      'end to end': '3.33x (3.33-3.33)',
      'end to end, same steps': '1.00x (1.00-1.00)',
      'end to end, full at 30': '1.00x (1.00-1.00)',
    });
  });

  it('say the precision that was computed in, whatever the row is called', () => {
    const made = [
      clip({ row: 'full', prompt: 'a', total: 100 }),
      { ...clip({ row: 'fora', prompt: 'a', total: 50 }), precisions: { fp32: 0.5, w8a8: 0.5 } },
      { ...clip({ row: 'fora', prompt: 'b', total: 50 }), precisions: { w8a8: 1 } },
    ];
    const [main] = tablesOf(comparisonTable(comparison('fora', 30, made)));
    expect(main!.full!.precision).toBe('fp32');
    expect(main!.fora!.precision).toBe('w8a8 75% fp32 25%');
  });

  it('the first one fits a page of GitHub', () => {
    const one = comparison('fora', 30, [clip({ row: 'full', prompt: 'a', total: 100, isRight: true })]);
    expect(comparisonTable(one).split('\n')[0]!.length).toBeLessThanOrEqual(120);
  });

  it('count one as one', () => {
    const one = comparison('fora', 1, [clip({ row: 'full', prompt: 'a', total: 100 })]);
    expect(comparisonTable(one)).toMatch(/1 prompt, seed 42\..* at 1 step /);
    const cells = [...one.cells, { prompt: 'b', seed: 43 }];
    expect(comparisonTable({ ...one, cells })).toContain('2 prompts, seeds 42, 43.');
  });

  it('count right clips per attribute', () => {
    const table = agreementTable({ shape: 1, colour: 0.5, size: 1, motion: 0.25, background: 1, all: 0.25 }, 4);
    expect(table).toMatch(/motion +\| +25.0% \| 1 of 4/);
    expect(table.split('\n').at(-1)).toMatch(/all at once \| +25.0% \| 1 of 4/);
  });
});

it('time left is what each row still takes', () => {
  const clips = [clip({ row: 'full', prompt: 'a', total: 100 }), clip({ row: 'fora', prompt: 'a', total: 20 })];
  const left = (...labels: string[]) =>
    timeLeft(
      clips,
      labels.map((label) => ({ row: { label } })),
    );
  expect(left('full', 'fora', 'fora')).toBe(140);
  expect(left('new')).toBe(60);
  expect(left()).toBe(0);
});
