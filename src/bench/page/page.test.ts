/** The page on made-up numbers: it needs nothing else, says what the results say, and escapes what people typed. */
import { expect, it } from 'vitest';
import type { ClipResult, Comparison } from '../comparison.ts';
import { dimensions } from '../dimensions.ts';
import type { Machine } from '../machine.ts';
import { parseRows, withReferences } from '../rows.ts';
import { demoGeometry } from '../testing.ts';
import { escaped } from './html.ts';
import { comparisonPage } from './page.ts';

const prompt = 'a <script>alert("star")</script> & more';
const cell = { prompt, seed: 42 };
const rows = withReferences(
  parseRows('full#15,teacache:threshold=0.2,fora@w4a6', { numSteps: 30, precision: 'fp32' }),
  30,
);

function clip(row: string, total: number, psnr?: number, precision = 'fp32'): ClipResult {
  return {
    ...cell,
    row,
    session: 0,
    load: 1,
    times: { total, text: 1, denoise: total / 2, decode: 1, save: 1, processor: total },
    modules: 10,
    flops: 10,
    precisions: { [precision]: 1 },
    peakBytes: 100 * 2 ** 20,
    ...(psnr !== undefined && { fidelity: { psnr, ssim: 0.912, relativeL2: 0.0345 } }),
  };
}

const machine = {
  processor: 'Test <CPU>',
  cores: 2,
  date: '2026-01-01',
  command: 'quantcache bench --html x',
} as Machine;
const comparison: Comparison = {
  format: 'quantcache-comparison',
  version: 1,
  settings: {
    model: 'demo',
    numSteps: 30,
    guidanceScale: 4,
    geometry: demoGeometry,
  },
  fingerprint: { cell, values: [] },
  rows,
  cells: [cell],
  fullStep: { modules: 1, flops: 1 },
  machines: [machine],
  clips: [
    clip('full', 1000),
    clip('full#15', 500, 22.5),
    clip('teacache:threshold=0.2', 400, 31.25),
    clip('fora@w4a6', 100, 18, 'w4a6'),
  ],
  summary: [],
};
const kept = [
  { ...cell, row: 'full', width: 64, height: 64, frames: 17, fps: 8, video: Uint8Array.of(1, 2, 3), map: '<svg/>' },
];
const page = comparisonPage(comparison, kept);
/** The line of a row in the table, without the places where its label may break. */
const lineOf = (label: string, text = page) =>
  text
    .replaceAll('<wbr>', '')
    .match(/<tr.*?<\/tr>/gs)!
    .find((row) => row.includes(`<code>${label}</code>`))!;

it('needs no network', () => {
  expect(page.match(/(?:https?:)?\/\/[\w.-]+\.\w+/g) ?? []).toEqual([]);
  expect(page).not.toMatch(/<link|<script[^>]+src|@import/);
});

it('says what the results say', () => {
  const teacache = lineOf('teacache:threshold=0.2');
  for (const value of ['>2.50x<', 'data-value="31.25"', '>0.912<', '>0.0345<', '>100 MB<'])
    expect(teacache).toContain(value);
  expect(lineOf('full#15')).toContain('>fewer steps<');
  expect(page.replaceAll(/<\/?span.*?>/g, '')).toContain('quantcache bench --html x');
});

it('shows each of VBench’s dimensions with a sentence on what it is, and distances of features, where there are any', () => {
  const temporal = {
    flicker: 1,
    motionSmoothness: 0.9,
    dynamicDegree: 0.1,
    subjectConsistency: 0.8,
    backgroundConsistency: 0.7,
    imagingQuality: 0.6,
    objectQuality: 0.5,
  };
  const right = { shape: true, colour: true, size: true, motion: true, background: true, all: true };
  const clips = comparison.clips.map((one) => ({
    ...one,
    temporal,
    agreement: { ...right, motion: false, all: false },
    clipScores: { model: 'vit', clipSim: 0.2109, clipTemp: 0.9871 },
    ...(one.fidelity && { fidelity: { ...one.fidelity, featureDistance: 0.0456 } }),
  }));
  const full = comparisonPage({ ...comparison, clips });
  for (const { title, vbench } of dimensions)
    expect(full).toMatch(new RegExp(`title="[^"]*In VBench: ${vbench}\\."[^>]*>${title}</button>`));
  for (const { meaning } of dimensions) expect(full).toContain(escaped(meaning));
  for (const value of ['>80.0%<', '>50.0%<', '>0.0456<', '>0.2109<', '>0.9871<'])
    expect(lineOf('full#15', full)).toContain(value);
  for (const title of ['feature distance', 'CLIPSIM', 'imaging']) expect(page).not.toContain(`>${title}</button>`);
});

it('a simulated precision is labelled and has no rank', () => {
  expect(lineOf('fora@w4a6')).toMatch(/class="rank">–<.*>simulated</s);
  expect(lineOf('teacache:threshold=0.2')).toContain('class="rank">1<');
  expect(page).toContain('simulated, does not count');
});

it('escapes what people typed', () => {
  expect(page).not.toContain('<script>alert');
  expect(page).toContain('a &lt;script&gt;alert(&quot;star&quot;)&lt;/script&gt; &amp; more');
  expect(page).toContain('Test &lt;CPU&gt;');
});

it('warns of a busy machine and of missing clips', () => {
  expect(page).not.toContain('class="warning"');
  expect(comparisonPage({ ...comparison, machines: [{ ...machine, cores: -1 }] })).toContain('The machine was busy');
  expect(comparisonPage({ ...comparison, clips: comparison.clips.slice(0, 2) })).toContain('2 of 4 clips missing');
});

it('counts one as one', () => {
  const [full] = rows;
  const alone = { ...comparison, rows: [full], clips: [], machines: [{ ...machine, cores: 1 }] };
  for (const text of ['1 way to', '1 pair of prompt and seed', '1 core,', '1 of 1 clip missing'])
    expect(comparisonPage(alone)).toContain(text);
  for (const text of ['4 ways to', '1 pair of', '2 cores,']) expect(page).toContain(text);
});

it('labels may break at their parts, so that they fit a phone', () => {
  expect(page).toContain('<code>teacache:<wbr>threshold=0.2</code>');
});

it('shows clips and maps where some were kept', () => {
  expect(page).toContain('data:video/mp4;base64,AQID');
  expect(page).toContain('id="maps"');
  expect(comparisonPage(comparison)).not.toContain('id="clips"');
});
