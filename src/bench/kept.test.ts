/** Kept clips say themselves what they are of, stay small, and long ones keep their duration. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { makeFrames } from '../api/video.ts';
import type { TraceDocument } from '../trace/document.ts';
import { keepClip, loadKept } from './kept.ts';

const folder = mkdtempSync(join(tmpdir(), 'quantcache-kept-'));
afterAll(() => rmSync(folder, { recursive: true }));

const trace: TraceDocument = {
  format: 'quantcache-trace',
  version: 1,
  model: 'demo',
  policy: 'full',
  numSteps: 1,
  blocks: [],
  decisions: [],
  measurements: [],
  warnings: [],
};

it('keeps a clip as a small video with its map, and thins out a long one', async () => {
  const [count, width, height, fps] = [80, 256, 128, 16];
  const frames = makeFrames(new Uint8Array(count * width * height * 3).fill(90), { count, width, height, fps });
  await keepClip(folder, { row: 'full@w8a8#8', prompt: 'a star', seed: 7 }, frames, trace);
  const [clip, ...others] = await loadKept(folder);
  expect(others).toEqual([]);
  expect(clip).toMatchObject({ row: 'full@w8a8#8', prompt: 'a star', seed: 7, width: 192, height: 96 });
  expect(clip!.frames / clip!.fps).toBe(count / fps);
  expect(clip!.frames).toBe(40);
  expect(Buffer.from(clip!.video).toString('latin1')).toMatch(/^....ftyp.*avc1/s);
  expect(clip!.video.length).toBeLessThan(16_000);
  expect(clip!.map).toContain('<svg');
});

it('has no clips where there is no folder', async () => {
  expect(await loadKept(join(folder, 'missing'))).toEqual([]);
});
