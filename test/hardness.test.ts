/** `quantcache bench hardness` on the demo model, with so few steps that it proves nothing but that it measures. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decibelsBetween, renderClip } from '../src/bench/hardness/clips.ts';
import { fullTrajectory, openField } from '../src/bench/hardness/field.ts';
import { type Hardness, hardnessText, loadHardness, saveHardness } from '../src/bench/hardness/hardness.ts';
import { type HardnessEvent, type HardnessOptions, measureHardness } from '../src/bench/hardness/measure.ts';
import { hardnessReport } from '../src/bench/hardness/report.ts';
import { hardnessSheet, sheetRows } from '../src/bench/hardness/sheet.ts';
import { fullRow } from '../src/bench/rows.ts';
import { readPrompts, vocabularyOf } from '../src/bench/world.ts';
import { createRuntime, openModel, type Pipeline, type Runtime } from '../src/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'quantcache-hardness-test-'));
const [numSteps, guidanceScale] = [5, 4];
let runtime: Runtime;
let pipeline: Pipeline;
let options: HardnessOptions;

beforeAll(async () => {
  runtime = await createRuntime({ threads: 2 });
  pipeline = await openModel(runtime);
  const prompts = await readPrompts(2);
  options = {
    prompts,
    seeds: [42, 43],
    agreement: [{ prompt: 'a small white circle stays still in front of a gray background', seed: 42 }],
    oracle: prompts.map((prompt) => ({ prompt, seed: 42 })),
    beam: 2,
    numSteps,
    guidanceScale,
    vocabulary: await vocabularyOf(),
  };
});

afterAll(async () => {
  await pipeline[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

async function run(changes: Partial<HardnessOptions> = {}): Promise<{ events: HardnessEvent[]; hardness: Hardness }> {
  const events: HardnessEvent[] = [];
  const measuring = measureHardness(pipeline, runtime, { ...options, ...changes });
  let next = await measuring.next();
  for (; !next.done; next = await measuring.next()) events.push(next.value);
  return { events, hardness: next.value };
}

/** Without what differs from session to session. */
const figuresOf = ({ machines: _, ...figures }: Hardness) => figures;

test('the oracle’s full run is the engine’s', async () => {
  const cell = { prompt: options.prompts[0]!, seed: 42 };
  const shop = { pipeline, runtime, numSteps, guidanceScale };
  const engine = await renderClip(shop, fullRow(numSteps, numSteps), cell);
  await using field = await openField(pipeline, runtime, cell, { numSteps, guidanceScale });
  const latents = await fullTrajectory(field, numSteps);
  const own = await field.decode(latents[numSteps]!);
  expect(decibelsBetween(engine, own)).toBeGreaterThan(70);
});

describe('a measurement', () => {
  let whole: { events: HardnessEvent[]; hardness: Hardness };

  beforeAll(async () => {
    whole = await run();
  }, 240_000);

  test('has a record per clip, of every row', () => {
    const { fidelity, agreement, oracle, fixed, summary } = whole.hardness;
    expect(fidelity.map(({ prompt, seed }) => [options.prompts.indexOf(prompt), seed])).toEqual([
      [0, 42],
      [0, 43],
      [1, 42],
      [1, 43],
    ]);
    const labels = ['full#4', 'static'];
    for (const { psnr, trajectory, verdicts } of fidelity) {
      expect(Object.keys(psnr)).toEqual(labels);
      expect(Object.values(psnr).every((value) => value > 10 && value < 60)).toBe(true);
      expect(trajectory.divergence).toHaveLength(numSteps - 1);
      expect(trajectory.bend).toHaveLength(numSteps - 1);
      expect([...trajectory.divergence, ...trajectory.bend].every((value) => value > 0 && value < 3)).toBe(true);
      expect(trajectory.detour).toBeGreaterThanOrEqual(1);
      expect(Object.keys(verdicts!)).toEqual(['full', ...labels]);
    }
    expect(fidelity.map(({ otherSeed }) => otherSeed !== undefined)).toEqual([false, true, false, true]);
    expect(fidelity.map(({ otherPrompt }) => otherPrompt !== undefined)).toEqual([false, false, true, true]);
    expect(agreement).toHaveLength(1);
    expect(agreement[0]!.places).toHaveLength(1);
    expect(oracle).toHaveLength(2);
    expect(fixed!.unfinished).toBeUndefined();
    for (const { oracle: own, fixed: path } of summary.oracle!.targets)
      expect(path!.evaluations).toBeGreaterThanOrEqual(own.least);
    expect(hardnessReport(whole.hardness)).toContain('one path / oracle');
  });

  test('foretells its time and says what it found', () => {
    const [first] = whole.events;
    expect(first!.millisecondsLeft).toBeGreaterThan(0);
    expect(first!.found).toMatch(/^1\/4 clips: full#4 \d+\.\d, /);
    expect(whole.events.at(-1)!.millisecondsLeft).toBe(0);
  });

  test('is continued from its file, wherever it was interrupted, and comes out the same', async () => {
    const file = join(folder, 'nested', 'hardness.json');
    const inSearch = whole.events.findIndex(({ hardness }) => hardness.fixed?.unfinished);
    expect(inSearch).toBeGreaterThan(0);
    for (const at of [2, inSearch]) {
      await saveHardness(file, whole.events[at]!.hardness);
      const earlier = await loadHardness(file);
      expect(earlier).toEqual(JSON.parse(hardnessText(whole.events[at]!.hardness)));
      const resumed = await run({ earlier });
      expect(resumed.events).toHaveLength(whole.events.length - at - 1);
      expect(figuresOf(resumed.hardness)).toEqual(figuresOf(whole.hardness));
      expect(resumed.hardness.machines).toHaveLength(2);
    }
    await saveHardness(file, whole.hardness);
    const done = await run({ earlier: await loadHardness(file) });
    expect(done.events).toEqual([]);
    expect(done.hardness.machines).toHaveLength(1);
    expect(readFileSync(file, 'utf8').split('\n').length).toBeLessThan(30);
  });

  test('refuses to go on with other settings, and to judge without a vocabulary', async () => {
    await expect(run({ earlier: whole.hardness, guidanceScale: 2 })).rejects.toThrow(/guidanceScale 4 there, 2 here/);
    await expect(run({ vocabulary: undefined })).rejects.toThrow(/no vocabulary.*--parts fidelity,oracle/);
    const file = join(folder, 'broken.json');
    writeFileSync(file, '{"format":"quantcache-comparison"}');
    await expect(loadHardness(file)).rejects.toThrow(/broken.json is not a measurement of hardness/);
  });

  test('stops when it is told to, also inside the search', async () => {
    const before = whole.events.find(({ hardness }) => hardness.agreement.length === 1)!.hardness;
    const stop = new AbortController();
    const measuring = measureHardness(pipeline, runtime, { ...options, earlier: before, signal: stop.signal });
    setTimeout(() => stop.abort(), 50);
    await expect(measuring.next()).rejects.toMatchObject({ code: 'aborted' });
  });
});

test('the sheet has a line of pictures per clip', async () => {
  const sheet = await hardnessSheet(pipeline, runtime, {
    prompts: options.prompts.slice(0, 1),
    seed: 42,
    numSteps: 2,
    guidanceScale,
  });
  expect(sheet.height).toBe(sheetRows.length * 66 - 2);
});
