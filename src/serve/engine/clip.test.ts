/** What an engine refuses before it computes anything, whoever ordered it. The embedded model is opened; nothing runs. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRuntime, openModel } from '../../index.ts';
import { makeClip, type OpenEngine } from './clip.ts';

const folder = mkdtempSync(join(tmpdir(), 'quantcache-clip-'));
let engine: OpenEngine;

beforeAll(async () => {
  const runtime = await createRuntime({ threads: 1 });
  const pipeline = await openModel(runtime, {});
  engine = { pipeline, runtime, options: { device: 'cpu' }, maxPixels: 17 * 64 * 64 };
});
afterAll(async () => {
  await engine.pipeline[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const order = (run: object) => ({
  id: 'a',
  attempt: 1,
  folder,
  request: {
    model: 'demo',
    modelName: 'demo',
    run: { prompts: ['a star'], size: '64x64', frames: 17, fps: 8, policy: 'full', ...run },
    outputFormat: 'mp4' as const,
    trace: false,
    warnings: [],
  },
});
const make = (run: object) => makeClip(engine, order(run), { signal: AbortSignal.abort(), say: () => undefined });

test.each([
  ['a larger frame', { size: '64x80' }],
  ['more frames', { frames: 34 }],
  ['more loops', { loops: 2 }],
])('more pixels than a clip may have: %s', async (_, run) => {
  await expect(make(run)).rejects.toThrow(/more than the 69632 pixels that a clip may have here/);
});

test('a prompt that names a file', async () => {
  await expect(make({ prompts: ['a star {"reference_path": "/etc/hostname"}'] })).rejects.toThrow('names a file');
});

test('what is allowed is begun', async () => {
  await expect(make({})).rejects.toMatchObject({ code: 'aborted' });
});
