import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readMetadata } from './metadata.ts';
import { importPeer } from './peer.ts';
import { assertFormat, assertWritable, saveVideo, videoExtensions } from './save.ts';
import { movingBall } from './testing.ts';

const frames = movingBall({ count: 3, height: 32, width: 32, fps: 24 });
const metadata = { prompt: 'a "cat" & <é 猫', seed: 42, model: 'demo', policy: 'full', version: '0.1.0' };
const webmWorks = await importPeer('@mediabunny/server', '', '').then(
  () => true,
  () => false,
);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'quantcache-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('saveVideo', () => {
  it.each(videoExtensions.filter((extension) => extension !== '.webm' || webmWorks))(
    'writes %s with metadata that reads back, and nothing else',
    async (extension) => {
      const path = join(folder, `clip${extension.toUpperCase()}`);
      await saveVideo(frames, path, metadata);
      expect(await readMetadata(path)).toEqual(metadata);
      expect(readdirSync(folder)).toEqual([`clip${extension.toUpperCase()}`]);
    },
  );

  it.skipIf(webmWorks)('says which package .webm needs', async () => {
    const path = join(folder, 'clip.webm');
    const missing = { code: 'missing_peer', message: expect.stringMatching(/npm install @mediabunny\/server.*\.mp4/) };
    await expect(saveVideo(frames, path)).rejects.toMatchObject(missing);
    await expect(assertWritable(path)).rejects.toMatchObject(missing);
  });

  it('refuses unknown extensions by naming the known ones', async () => {
    const refused = { code: 'unsupported_format', message: expect.stringMatching(/\.avi.*\.mp4, \.webm, \.gif/) };
    await expect(saveVideo(frames, join(folder, 'clip.avi'))).rejects.toMatchObject(refused);
    await expect(assertWritable(join(folder, 'clip.avi'))).rejects.toMatchObject(refused);
    await expect(assertWritable(join(folder, 'mp4'))).rejects.toMatchObject({ code: 'unsupported_format' });
  });

  it('replaces an older file, and keeps it when the run is stopped', async () => {
    const path = join(folder, 'clip.mp4');
    writeFileSync(path, 'older');
    const stopped = AbortSignal.abort();
    await expect(saveVideo(frames, path, {}, stopped)).rejects.toMatchObject({ code: 'aborted' });
    expect(readFileSync(path, 'utf8')).toBe('older');
    const controller = new AbortController();
    const long = movingBall({ count: 300, height: 64, width: 64, fps: 24 });
    setTimeout(() => controller.abort(), 10);
    await expect(saveVideo(long, path, {}, controller.signal)).rejects.toMatchObject({ code: 'aborted' });
    expect(readdirSync(folder)).toEqual(['clip.mp4']);
    expect(readFileSync(path, 'utf8')).toBe('older');
    await saveVideo(frames, path, metadata);
    expect(await readMetadata(path)).toEqual(metadata);
  });

  it.each<[string, object, RegExp]>([
    ['wide.webp', { width: 20_000, height: 1 }, /20000x1.*at most 16383 pixels a side/],
    ['fast.webp', { fps: 95 }, /95 frames per second.*0\.1 to 90/],
    ['fast.gif', { fps: 60 }, /60 frames per second.*0\.1 to 50/],
    ['slow.mp4', { fps: 0.05 }, /0\.05 frames per second.*0\.1 to 1000/],
    ['mad.mp4', { fps: 1e300 }, /1e\+300 frames per second/],
  ])('refuses what a format cannot hold: %s', async (name, shape, message) => {
    const refused = { code: 'invalid_option', message: expect.stringMatching(message) };
    const clip = { count: 2, height: 16, width: 16, fps: 24, ...shape };
    await expect(assertFormat(join(folder, name), clip)).rejects.toMatchObject(refused);
    await expect(saveVideo(movingBall(clip), join(folder, name))).rejects.toMatchObject(refused);
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('assertWritable', () => {
  it('accepts a new file, an old file, and leaves no trace', async () => {
    await assertWritable(join(folder, 'clip.mp4'));
    expect(readdirSync(folder)).toEqual([]);
    writeFileSync(join(folder, 'clip.mp4'), 'older');
    await assertWritable(join(folder, 'clip.mp4'));
    expect(readFileSync(join(folder, 'clip.mp4'), 'utf8')).toBe('older');
  });

  it('refuses, as saveVideo does, what cannot be written', async () => {
    mkdirSync(join(folder, 'folder.mp4'));
    writeFileSync(join(folder, 'file'), '');
    const cases: [name: string, reason: RegExp][] = [
      ['missing/clip.mp4', /folder does not exist/],
      ['file/clip.mp4', /a file, not a folder/],
      ['folder.mp4', /a folder has that name/],
      [`${'n'.repeat(300)}.mp4`, /name is too long/],
    ];
    for (const [name, reason] of cases) {
      const refused = { code: 'io', message: expect.stringMatching(reason) };
      await expect(assertWritable(join(folder, name))).rejects.toMatchObject(refused);
      await expect(saveVideo(frames, join(folder, name))).rejects.toMatchObject(refused);
    }
    expect(readdirSync(folder).sort()).toEqual(['file', 'folder.mp4']);
    expect(readdirSync(join(folder, 'folder.mp4'))).toEqual([]);
  });
});

describe('readMetadata', () => {
  it('tells files of other programs and broken ones apart', async () => {
    const path = join(folder, 'clip.mp4');
    await expect(readMetadata(path)).rejects.toMatchObject({ code: 'model_not_found' });
    writeFileSync(path, 'not a video');
    await expect(readMetadata(path)).rejects.toMatchObject({ code: 'corrupt_file' });
  });
});
