/**
 * A family of models that nothing in `src` knows (`test/family/`), through every command: one folder and one line of the registry
 * are all that a family needs.
 */
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { command as benchCommand } from '../src/cli/bench.ts';
import { command as calibrateCommand } from '../src/cli/calibrate.ts';
import { command as generateCommand } from '../src/cli/generate.ts';
import { command as inspectCommand } from '../src/cli/inspect.ts';
import { command as verifyCommand } from '../src/cli/verify.ts';
import { finish, type GenerateOptions, generate } from '../src/generate.ts';
import { families, openModel } from '../src/models/index.ts';
import type { Pipeline } from '../src/pipeline.ts';
import { createPolicy, policies } from '../src/policies/index.ts';
import { createRuntime } from '../src/runtime/node.ts';
import type { Runtime } from '../src/runtime/runtime.ts';
import { writeSafetensors } from '../src/weights/safetensors.ts';
import { mixer } from './family/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'quantcache-family-'));
const model = join(folder, 'mixer');
const prompts = join(folder, 'prompts.txt');
let runtime: Runtime;
let pipeline: Pipeline;

beforeAll(async () => {
  families.push(mixer);
  mkdirSync(model);
  writeFileSync(join(model, 'config.json'), JSON.stringify({ model_type: 'mixer' }));
  writeFileSync(prompts, 'waves\nclouds\n');
  runtime = await createRuntime({ threads: 1 });
  pipeline = await openModel(runtime, { model });
});

afterAll(async () => {
  families.pop();
  await runtime[Symbol.asyncDispose]();
});

const run = (options: Partial<GenerateOptions> = {}) =>
  finish(generate(pipeline, runtime, { prompts: ['waves'], policy: createPolicy('full'), ...options }));

/** Runs a command as a user would type it; returns what it prints. */
async function type(command: Command, ...words: string[]): Promise<string> {
  const printed: string[] = [];
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed.push(String(text));
    return true;
  });
  try {
    await command.parseAsync(words, { from: 'user' });
  } finally {
    write.mockRestore();
  }
  return printed.join('');
}

describe('generate', () => {
  test('steers away from a negative prompt, which needs guidance', async () => {
    const [plain, steered] = [await run(), await run({ negativePrompt: 'zebra' })];
    expect(steered.latents).not.toEqual(plain.latents);
    expect(plain.sampler).toBe('data-steps');
    await expect(run({ negativePrompt: 'zebra', guidanceScale: 1 })).rejects.toThrow(/guidance above 1/);
  });

  test('samples with its own sampler and with those that it takes from the shelf, and refuses others', async () => {
    const [own, unipc, heun] = [await run(), await run({ sampler: 'unipc' }), await run({ sampler: 'heun' })];
    expect(unipc.latents).not.toEqual(own.latents);
    expect(heun.latents).not.toEqual(own.latents);
    await expect(run({ sampler: 'euler' })).rejects.toThrow(/data-steps, unipc, heun/);
  });

  test('refuses what the family does not have', async () => {
    await expect(run({ loops: 2 })).rejects.toThrow(/one loop/);
    const clip = { data: new Float32Array(3 * 32 * 32), channels: 3, frames: 1, height: 32, width: 32 };
    await expect(run({ references: [[clip]] })).rejects.toThrow(/no references/);
    await expect(run({ precision: 'w8a8' })).rejects.toThrow(/fp32/);
  });

  test('a batch gives what each prompt gives alone', async () => {
    const both = await run({ prompts: ['waves', 'clouds'] });
    const alone = await run();
    expect(both.videos).toHaveLength(2);
    expect(both.videos[0]).toEqual(alone.videos[0]);
  });
});

/** What a policy needs to be told on a model that nothing was fitted to. */
const told: Readonly<Record<string, Record<string, unknown>>> = {
  magcache: { ratios: [0.98] },
  schedule: { steps: [0, 2, 5] },
};

describe.each(Object.keys(policies))('policy %s', (name) => {
  test('runs, or says what it misses', async () => {
    const made = run({ policy: createPolicy(name, told[name]) });
    if (name === 'teacache') return expect(made).rejects.toThrow(/"modulated-input".*does not have/);
    const { latents, trace } = await made;
    expect(latents.every(Number.isFinite)).toBe(true);
    expect(trace.decisions.filter(({ level }) => level === 'step')).toHaveLength(pipeline.defaults.numSteps);
  });
});

describe('modules are named by role or by the words of the family', () => {
  test('a kind of its own is reused alone', async () => {
    const { trace } = await run({ policy: createPolicy('fora', { modules: ['place-mixer'] }) });
    const reused = trace.decisions.filter(({ did }) => did === 'reuse').map(({ path }) => path);
    expect(new Set(reused)).toEqual(new Set(['layers.0.place-mixer', 'layers.1.place-mixer']));
  });

  test('a role stands for the kinds that have it', async () => {
    const [role, kind] = await Promise.all(
      ['self-attention', 'place-mixer'].map((name) => run({ policy: createPolicy('fora', { modules: [name] }) })),
    );
    expect(role!.latents).toEqual(kind!.latents);
  });

  test('a name that the model does not have is refused with those that it has', async () => {
    const made = run({ policy: createPolicy('fora', { modules: ['spatial-attention'] }) });
    await expect(made).rejects.toThrow(/spatial-attention.*place-mixer/);
  });
});

describe('commands', () => {
  test('generate writes a file', async () => {
    const out = join(folder, 'waves.png');
    await type(
      generateCommand(),
      'waves',
      '-m',
      model,
      '--negative-prompt',
      'zebra',
      '--sampler',
      'unipc',
      '-o',
      out,
      '-q',
    );
    expect(readFileSync(out).subarray(1, 4).toString()).toBe('PNG');
  });

  test('inspect shows its kinds and costs', async () => {
    const found = JSON.parse(await type(inspectCommand(), '-m', model, '--json'));
    expect(found.kinds.map(({ kind }: { kind: string }) => kind)).toEqual([
      'place-mixer',
      'text-gate',
      'channel-mixer',
    ]);
    expect(found.total.flops).toBe(6e6);
  });

  test('calibrate writes a profile that generate follows', async () => {
    const profile = join(folder, 'fast.json');
    const words = ['--steps', '8', '--budgets', '3', '--trials', '2', '--prompts', '2', '--precisions', 'fp32'];
    await type(
      calibrateCommand(),
      '-m',
      model,
      ...words,
      '--prompts-from',
      prompts,
      '--quality',
      '1',
      '-q',
      '-o',
      profile,
    );
    const { options } = JSON.parse(readFileSync(profile, 'utf8'));
    const { trace } = await run({ policy: createPolicy('quantcache', options) });
    const steps = trace.decisions.filter(({ level }) => level === 'step').map(({ did }) => did);
    expect(steps.filter((did) => did === 'compute')).toHaveLength(3);
  });

  test('calibrate fits the ratios that magcache refuses to guess', async () => {
    const words = ['--policy', 'magcache', '--steps', '8', '--prompts', '1', '--prompts-from', prompts];
    const out = join(folder, 'magcache.json');
    await type(calibrateCommand(), '-m', model, ...words, '-q', '-o', out);
    const { options } = JSON.parse(readFileSync(out, 'utf8'));
    expect(options.ratios).toHaveLength(7);
    await expect(run({ policy: createPolicy('magcache') })).rejects.toThrow(/calibrate --policy magcache/);
    await run({ policy: createPolicy('magcache', options) });
  });

  test('bench compares policies and samplers', async () => {
    const rows = 'full#4:sampler=unipc,taylorseer:interval=2,full#5:sampler=heun';
    const words = ['--steps', '8', '--prompts', '1', '--prompts-from', prompts, '--json', '-q'];
    const comparison = JSON.parse(await type(benchCommand(), 'compare', '-m', model, '--policies', rows, ...words));
    expect(comparison.clips).toHaveLength(4);
    expect(comparison.clips[1].fidelity.psnr).toBeGreaterThan(10);
  });

  test('verify knows its cases', async () => {
    const cases = join(folder, 'cases');
    mkdirSync(cases);
    const [x, y] = [Float32Array.of(1, -2), Float32Array.of(2, -4)];
    await writeSafetensors(join(cases, 'a.safetensors'), [
      { name: 'inputs/x', dtype: 'F32', shape: [2], data: x },
      { name: 'outputs/y', dtype: 'F32', shape: [2], data: y },
    ]);
    writeFileSync(join(cases, 'a.json'), '{}');
    const entry = { kind: 'mixer_doubling', file: 'a.safetensors', json: 'a.json' };
    writeFileSync(join(cases, 'manifest.json'), JSON.stringify({ cases: { a: entry } }));
    const { passed, failures } = JSON.parse(await type(verifyCommand(), cases, '--json'));
    expect({ passed, failures }).toEqual({ passed: 1, failures: 0 });
  });
});
