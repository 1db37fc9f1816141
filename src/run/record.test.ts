import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Pipeline } from '../pipeline.ts';
import { version } from '../version.ts';
import { makeFrames } from '../video/frames.ts';
import { saveVideo } from '../video/save.ts';
import type { DecidedOptions } from './options.ts';
import { picturesOf } from './pictures.ts';
import { assertSameMaking, type ClipRecord, differenceOf, readRecord, recordOf } from './record.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'quantcache-record-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const pipeline = {
  model: 'test',
  hash: async () => 'abc',
  text: { prepare: (prompt: string) => ({ references: prompt.includes('picture') ? [join(folder, 'own.png')] : [] }) },
} as unknown as Pipeline;
const runtime = { description: 'a runtime, 2 threads' };
const run: DecidedOptions = {
  ...{ prompts: ['a star', 'a picture'], seed: '7', numSteps: 4, guidanceScale: 4, loops: 1, size: '16x16', frames: 1 },
  ...{ fps: 8, policy: 'full', policyOptions: {}, precision: 'fp32', sampler: 'euler' },
};
const record = (changes: Partial<ClipRecord> = {}): Promise<ClipRecord> =>
  recordOf(1, {
    decision: { run, profile: 'fast' },
    ...{ pipeline, runtime, source: { device: 'cpu' }, pictures: [], computed: { fp32: 1.00000001 } },
  }).then((whole) => ({ ...whole, ...changes }));
const frames = makeFrames(new Uint8Array(16 * 16 * 3).fill(90), { count: 1, width: 16, height: 16, fps: 8 });

test.each(['clip.mp4', 'clip.gif', 'clip.png'])('%s says how it was made', async (name) => {
  const written = await record();
  expect(written).toMatchObject({ prompt: 'a picture', index: 1, computed: { fp32: 1 }, quantcache: version });
  await saveVideo(frames, join(folder, name), written);
  expect(await readRecord(join(folder, name))).toEqual(JSON.parse(JSON.stringify(written)));
});

test.each<[string, object, RegExp]>([
  ['nothing', {}, /not of this version/],
  ['a clip of an earlier version', { prompt: 'a star', seed: '42' }, /not of this version/],
  ['a place that the batch does not have', { index: 2 }, /index/],
  ['options that there are not', { run: { ...run, stepz: 1 } }, /stepz/],
])('refuses a file that says %s', async (name, changes, message) => {
  const content = name.includes('place') || name.includes('options') ? await record(changes) : changes;
  await saveVideo(frames, join(folder, 'a.png'), content as Record<string, unknown>);
  await expect(readRecord(join(folder, 'a.png'))).rejects.toMatchObject({ code: 'corrupt_file' });
  await expect(readRecord(join(folder, 'a.png'))).rejects.toThrow(message);
});

test('says where the bytes may differ', async () => {
  expect(differenceOf(await record(), runtime)).toBeUndefined();
  expect(differenceOf(await record(), { description: 'a runtime, 3 threads' })).toMatch(
    /2 threads, .*; this is .* 3 threads/,
  );
  expect(differenceOf(await record({ quantcache: '0.0.1' }), runtime)).toMatch(/0\.0\.1 on/);
  expect(differenceOf(await record({ processor: 'another (x64)' }), runtime)).toMatch(/, another \(x64\); this is/);
});

test('other weights, and pictures that are missing or others, are refused', async () => {
  const own = join(folder, 'own.png');
  const image = join(folder, 'image.png');
  writeFileSync(own, 'own');
  writeFileSync(image, 'image');
  const pictures = await picturesOf(pipeline, { ...run, image });
  expect(pictures.map(({ file }) => file)).toEqual([image, own]);
  const made = await record({ pictures });
  await assertSameMaking(made, pipeline, pictures);

  writeFileSync(own, 'other');
  const changed = await picturesOf(pipeline, { ...run, image });
  await expect(assertSameMaking(made, pipeline, changed)).rejects.toThrow(/another picture than .*own\.png/);
  await expect(assertSameMaking(made, pipeline, pictures.slice(1))).rejects.toThrow(/another picture/);
  await expect(assertSameMaking(made, pipeline, pictures, 'f')).rejects.toThrow(/leave out --from-text/);
  const encoded = await record({ pictures, text: 'f' });
  await expect(assertSameMaking(encoded, pipeline, pictures)).rejects.toThrow(/with --from-text/);
  const other = { model: 'other', hash: async () => 'def' };
  await expect(assertSameMaking(made, other, pictures)).rejects.toMatchObject({ code: 'weights_mismatch' });
  rmSync(own);
  await expect(picturesOf(pipeline, run)).rejects.toMatchObject({ code: 'io' });
});

test('a clip that is made again keeps the names of where things lay', async () => {
  const earlier = await record({ pictures: [{ file: 'there.png', sha256: 'x' }] });
  const again = await recordOf(1, {
    decision: { run: { ...run, image: 'here.png' } },
    ...{ pipeline, runtime, source: { device: 'cpu', model: 'here' }, computed: { fp32: 1 }, earlier },
    pictures: [{ file: 'here.png', sha256: 'x' }],
  });
  expect(JSON.stringify(again)).toBe(JSON.stringify(earlier));
});
