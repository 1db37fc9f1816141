import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { Pipeline, Runtime } from '../index.ts';
import { type CompareOptions, compare } from './compare.ts';
import { parseRows, withReferences } from './rows.ts';

it('says once per row that its options were fitted for other runs, before anything is made', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'quantcache-compare-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'profiles'));
  const size = { height: 64, width: 64, fps: 8, guidanceScale: 4 };
  const fitted = { ...size, frames: 17, sampler: 'euler', conditioning: 'text', steps: [30] };
  const body = { model: { name: 'test', hash: 'abc' }, fitted, options: { coefficients: [2, 3] } };
  const file = JSON.stringify({ format: 'quantcache-fitted', version: 1, name: 'teacache', ...body });
  writeFileSync(join(folder, 'profiles', 'teacache.json'), file);
  const pipeline = {
    ...{ model: 'test', folder, hash: async () => 'abc', publishedOptions: () => ({}) },
    defaults: { ...size, numFrames: 17, numSteps: 30 },
    geometry: () => ({ ...size, numFrames: 17 }),
    text: { prepare: () => ({ references: [] }) },
    network: { samplers: { euler: undefined } },
  } as unknown as Pipeline;

  const rows = withReferences(parseRows('teacache,teacache#30', { numSteps: 20, precision: 'fp32' }), 20);
  const cells = [1, 2].map((seed) => ({ prompt: 'a star', seed })) as unknown as CompareOptions['cells'];
  const told: string[] = [];
  const onEvent: CompareOptions['onEvent'] = (event) => event.type === 'warning' && told.push(event.message);
  const clips = compare(pipeline, {} as Runtime, { rows, cells, numSteps: 20, onEvent });
  expect((await clips.next()).value).toMatchObject({ type: 'warmup' });
  expect(told).toEqual([
    expect.stringMatching(/^Row "teacache": The options of policy "teacache" were fitted for 30 steps, not 20\./),
  ]);
});
