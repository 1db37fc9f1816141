/** `quantcache bench` on the demo model: a few clips of two steps, from the library and from the command line. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CompareEvent, type CompareOptions, compare } from '../src/bench/compare.ts';
import { type Comparison, loadComparison, saveComparison } from '../src/bench/comparison.ts';
import { dimensions } from '../src/bench/dimensions.ts';
import { parseRows, withReferences } from '../src/bench/rows.ts';
import { readPrompts, vocabularyOf } from '../src/bench/world.ts';
import { createRuntime, openModel, type Pipeline, type Runtime } from '../src/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'quantcache-bench-test-'));
let runtime: Runtime;
let pipeline: Pipeline;
let options: CompareOptions;

beforeAll(async () => {
  runtime = await createRuntime({ threads: 2 });
  pipeline = await openModel(runtime);
  const [prompt] = await readPrompts(1);
  options = {
    rows: withReferences(parseRows('full#1,fora', { numSteps: 2, precision: 'fp32' }), 2),
    cells: [{ prompt, seed: 42 }],
    numSteps: 2,
    vocabulary: await vocabularyOf(),
  };
});

afterAll(async () => {
  await pipeline[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

async function run(changes: Partial<CompareOptions> = {}): Promise<{ events: CompareEvent[]; comparison: Comparison }> {
  const events: CompareEvent[] = [];
  const clips = compare(pipeline, runtime, { ...options, ...changes });
  let next = await clips.next();
  for (; !next.done; next = await clips.next()) events.push(next.value);
  return { events, comparison: next.value };
}

describe('compare', () => {
  let first: { events: CompareEvent[]; comparison: Comparison };

  beforeAll(async () => {
    first = await run();
  }, 120_000);

  test('measures every row after warming up each policy', () => {
    const { events, comparison } = first;
    expect(events.map((event) => (event.type === 'clip' ? event.clip.row : `warm ${event.row.label}`))).toEqual([
      'warm full',
      'warm fora',
      'full',
      'full#1',
      'fora',
    ]);
    const [full, half, fora] = comparison.summary;
    expect(full).toMatchObject({ clips: 1, modules: 1, flops: 1, fidelity: undefined });
    expect(half).toMatchObject({ modules: 0.5, flops: 0.5 });
    expect(fora!.modules).toBeLessThan(1);
    expect(fora!.fidelity!.psnr.median).toBeGreaterThan(10);
    expect(fora!.fidelity!.ssim.median).toBeLessThanOrEqual(1);
    expect(fora!.fidelity!.featureDistance!.median).toBeGreaterThan(0);
    expect(half!.fidelity!.featureDistance!.median).toBeLessThan(4);
    for (const row of [full, half, fora])
      expect(dimensions.map(({ value }) => value(row!)).every(Number.isFinite)).toBe(true);
  });

  test('parts of the time add up, and memory and processor time are measured', () => {
    for (const { times, peakBytes, agreement, shown } of first.comparison.clips) {
      const parts = times.text + times.denoise + times.decode + times.save;
      expect(parts / times.total).toBeGreaterThan(0.8);
      expect(parts).toBeLessThanOrEqual(times.total * 1.001);
      expect(times.processor).toBeGreaterThan(times.denoise * 0.2);
      expect(peakBytes).toBeGreaterThan(5e7);
      expect(agreement).toHaveProperty('all');
      expect(shown?.[0]).toHaveProperty('background');
    }
  });

  test('asks the judge of captions about every clip, where there is one', async () => {
    const asked: string[] = [];
    const { comparison } = await run({
      clipScores: async (frames, prompt) => {
        asked.push(`${frames.count} ${prompt}`);
        return { model: 'judge', clipSim: 0.5, clipTemp: 1 };
      },
    });
    const [{ prompt }] = options.cells;
    expect(asked).toEqual(options.rows.map(() => `17 ${prompt}`));
    expect(comparison.summary[2]!.clipScores).toEqual({ model: 'judge', clipSim: 0.5, clipTemp: 1 });
  });

  test('continues from a file without making a clip again', async () => {
    const file = join(folder, 'nested', 'results.json');
    const interrupted = first.events.flatMap((event) => (event.type === 'clip' ? event.comparison : []))[1]!;
    expect(interrupted.clips).toHaveLength(2);
    await saveComparison(file, interrupted);
    const resumed = await run({ earlier: await loadComparison(file) });
    expect(resumed.events.flatMap((event) => (event.type === 'clip' ? event.clip.row : []))).toEqual(['fora']);
    const [, , before] = first.comparison.clips;
    const [full, , after] = resumed.comparison.clips;
    expect(full).toEqual(interrupted.clips[0]);
    expect(after!.fidelity).toEqual(before!.fidelity);
    expect(after!.session).toBe(1);
    expect(resumed.comparison.machines).toHaveLength(2);
    const finished = await run({ earlier: resumed.comparison });
    expect(finished.events).toEqual([]);
    expect(finished.comparison.summary).toEqual(resumed.comparison.summary);
  });

  test('refuses to continue with other settings or other weights', async () => {
    const { comparison } = first;
    await expect(run({ earlier: comparison, guidanceScale: 2 })).rejects.toThrow(/guidanceScale 4 there, 2 here/);
    const { cell, values } = comparison.fingerprint;
    const retrained = { ...comparison, clips: [], fingerprint: { cell, values: values.map((value) => value + 0.5) } };
    await expect(run({ earlier: retrained })).rejects.toThrow(/other weights/);
  });

  test('names the row that fails', async () => {
    const [full] = options.rows;
    const broken = { ...full, label: 'broken', numSteps: 0 };
    await expect(run({ rows: [full, broken] })).rejects.toThrow(/Row "broken"/);
  });
});

describe('files', () => {
  test.each([
    ['{', /not JSON/],
    ['{"format":"quantcache-trace"}', /not a comparison/],
  ])('%s is no comparison', async (text, message) => {
    const file = join(folder, 'broken.json');
    writeFileSync(file, text);
    await expect(loadComparison(file)).rejects.toThrow(message);
    expect(await loadComparison(join(folder, 'none.json'))).toBeUndefined();
  });

  test('prompts come from lists and lines, each once', async () => {
    const file = join(folder, 'prompts.txt');
    writeFileSync(file, 'one\n\n two \none\n');
    expect(await readPrompts(2, file)).toEqual(['one', 'two']);
    await expect(readPrompts(3, file)).rejects.toThrow(/2 distinct prompts, fewer than the 3/);
    writeFileSync(join(folder, 'bad.json'), '{"a":1}');
    await expect(readPrompts(1, join(folder, 'bad.json'))).rejects.toThrow(/is not a list of prompts/);
    expect(await vocabularyOf(folder)).toBeUndefined();
  });
});

describe('command line', () => {
  const program = resolve('dist/cli/main.js');

  function quantcache(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
    return new Promise((done) => {
      const child = spawn(process.execPath, [program, ...args], { cwd: folder });
      const outcome = { stdout: '', stderr: '' };
      child.stdout.on('data', (chunk: Buffer) => {
        outcome.stdout += chunk;
      });
      child.stderr.on('data', (chunk: Buffer) => {
        outcome.stderr += chunk;
      });
      child.on('close', (code) => done({ ...outcome, code }));
    });
  }

  test('bench prints and writes the table, and continues its own file', async () => {
    const args = [
      'bench',
      '--policies',
      'fora',
      '--prompts',
      '1',
      '--steps',
      '2',
      '-o',
      'out.json',
      '--markdown',
      'out.md',
    ];
    const outcome = await quantcache(...args);
    expect(outcome).toMatchObject({ code: 0 });
    expect(outcome.stdout).toMatch(/^\| policy.*\n\| -+.*\n\| full .*\n\| fora /);
    expect(outcome.stderr).toMatch(/2\/2 fora: .* dB/);
    expect(readFileSync(join(folder, 'out.md'), 'utf8')).toBe(outcome.stdout);
    const again = await quantcache(...args, '--json');
    expect(again.stderr).not.toContain('warming up');
    expect(JSON.parse(again.stdout)).toMatchObject({ clips: [{ row: 'full' }, { row: 'fora' }] });
    expect(await quantcache(...args.slice(0, -4), '--steps', '3', '-o', 'out.json')).toMatchObject({ code: 2 });
  });

  test('--vbench writes every clip, those of an earlier session too', async () => {
    const args = ['bench', '--policies', 'fora', '--prompts', '1', '--steps', '1', '-o', 'vbench.json'];
    expect(await quantcache(...args)).toMatchObject({ code: 0 });
    const outcome = await quantcache(...args, '--vbench', 'clips');
    expect(outcome).toMatchObject({ code: 0 });
    expect(outcome.stderr).toMatch(/making fora again/);
    const prompts = JSON.parse(readFileSync(join(folder, 'clips', 'prompts.json'), 'utf8'));
    const [file, prompt] = Object.entries(prompts)[0]!;
    expect(file).toBe(`${prompt}-0.mp4`);
    for (const row of ['full', 'fora']) expect(existsSync(join(folder, 'clips', row, file))).toBe(true);
    expect((await quantcache(...args, '--vbench', 'clips')).stderr).not.toMatch(/again/);
    expect(await quantcache(...args, '--vbench', 'vbench.json')).toMatchObject({ code: 1 });
  });

  test('--clip wants a folder with a CLIP model, before anything is made', async () => {
    const outcome = await quantcache('bench', '--policies', 'fora', '--prompts', '1', '--clip', 'nowhere');
    expect(outcome).toMatchObject({ code: 1, stdout: '' });
    expect(outcome.stderr).toMatch(/no file nowhere.onnx.*CLIP model/);
    expect(outcome.stderr).not.toMatch(/warming up/);
  });

  test('agreement prints shares and draws a sheet', async () => {
    const outcome = await quantcache('bench', 'agreement', '--prompts', '1', '--steps', '1', '--sheet', 'sheet.png');
    expect(outcome).toMatchObject({ code: 0 });
    expect(outcome.stdout).toMatch(/all at once +\| +\d+\.0% \| [01] of 1/);
    expect(existsSync(join(folder, 'sheet.png'))).toBe(true);
  });

  test('kernels prints every module in every precision, with its error', async () => {
    const small = ['--width', '64', '--heads', '4', '--frames', '5', '--tokens', '16', '--caption-length', '4'];
    const { code, stdout } = await quantcache('bench', 'kernels', ...small, '--rounds', '1', '--json');
    expect(code).toBe(0);
    const { modules } = JSON.parse(stdout) as { modules: { kind: string; precision: string; error: number }[] };
    expect(modules).toHaveLength(4 * 4);
    for (const { precision, error } of modules) {
      expect(error).toBeLessThan({ fp32: 1e-9, w8a8: 0.03, w4a8: 0.3, w4a6: 0.3 }[precision]!);
      if (precision !== 'fp32') expect(error).toBeGreaterThan(1e-4);
    }
  });

  test('explains rows that cannot be', async () => {
    const outcome = await quantcache('bench', '--policies', 'magic');
    expect(outcome).toMatchObject({ code: 2, stdout: '' });
    expect(outcome.stderr).toMatch(/no policy "magic"/);
    const missing = await quantcache('bench', '--policies', 'fora,quantcache:profile=absent', '--prompts', '1');
    expect(missing).toMatchObject({ code: 1, stdout: '' });
    expect(missing.stderr).toMatch(/no profile .*absent/);
    expect(missing.stderr).not.toMatch(/warming up/);
  });
});
