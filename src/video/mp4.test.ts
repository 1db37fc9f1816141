import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BufferSource, type EncodedPacket, EncodedPacketSink, Input, MP4 } from 'mediabunny';
import { describe, expect, it } from 'vitest';
import { mp4 } from './mp4.ts';
import { meanDifference, movingBall } from './testing.ts';

const countHandlers = () => process.listenerCount('uncaughtException') + process.listenerCount('unhandledRejection');
const handlersBefore = countHandlers();

async function demux(bytes: Uint8Array) {
  using input = new Input({ source: new BufferSource(bytes), formats: [MP4] });
  const track = (await input.getPrimaryVideoTrack())!;
  const packets: EncodedPacket[] = [];
  for await (const packet of new EncodedPacketSink(track).packets()) packets.push(packet);
  return {
    size: [track.codedWidth, track.codedHeight],
    codec: track.codec,
    duration: await input.computeDuration(),
    times: packets.map((packet) => packet.timestamp),
    keys: packets.flatMap((packet, index) => (packet.type === 'key' ? [index] : [])),
    colorSpace: (await track.getDecoderConfig())?.colorSpace,
    comment: (await input.getMetadataTags()).comment,
  };
}

describe('mp4', () => {
  it.each([
    [17, 64, 64, 24],
    [51, 64, 96, 8],
    [5, 64, 64, 23.976],
    [1, 16, 16, 24],
    [3, 16, 16, 0.5],
    [3, 16, 16, 1000],
  ])('%d frames of height %d and width %d at %d fps come back', async (count, height, width, fps) => {
    const file = await demux(await mp4.encode(movingBall({ count, height, width, fps }), '{"prompt":"é 猫"}'));
    expect(file.codec).toBe('avc');
    expect(file.size).toEqual([width, height]);
    expect(file.times.length).toBe(count);
    for (const [index, time] of file.times.entries()) expect(time).toBeCloseTo(index / fps, 9);
    expect(file.duration).toBeCloseTo(count / fps, 3);
    const interval = Math.max(1, Math.round(2 * fps));
    expect(file.keys).toEqual(Array.from({ length: Math.ceil(count / interval) }, (_, i) => i * interval));
    expect(file.colorSpace?.matrix).toBe('smpte170m');
    expect(file.comment).toBe('{"prompt":"é 猫"}');
  });

  it('grows odd sizes to even ones', async () => {
    const file = await demux(await mp4.encode(movingBall({ count: 2, height: 33, width: 47, fps: 24 }), '{}'));
    expect(file.size).toEqual([48, 34]);
  });

  it('puts the index before the pictures', async () => {
    const text = Buffer.from(await mp4.encode(movingBall({ count: 3, height: 32, width: 32, fps: 24 }), '{}'));
    expect(text.indexOf('moov')).toBeGreaterThan(0);
    expect(text.indexOf('moov')).toBeLessThan(text.indexOf('mdat'));
  });

  it('stops between frames when aborted, and works again afterwards', async () => {
    const frames = movingBall({ count: 200, height: 64, width: 64, fps: 24 });
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 5);
    await expect(mp4.encode(frames, '{}', controller.signal)).rejects.toMatchObject({ code: 'aborted' });
    const again = await demux(await mp4.encode(movingBall({ count: 2, height: 64, width: 64, fps: 24 }), '{}'));
    expect(again.times.length).toBe(2);
  });

  it('encodes several clips at once', async () => {
    const shapes = [4, 9, 6].map((count) => ({ count, height: 32, width: 16 * count, fps: 24 }));
    const files = await Promise.all(shapes.map(async (shape) => demux(await mp4.encode(movingBall(shape), '{}'))));
    expect(files.map((file) => [file.times.length, file.size[0]])).toEqual([
      [4, 64],
      [9, 144],
      [6, 96],
    ]);
  });

  it('leaves the handlers of the process alone', () => {
    expect(countHandlers()).toBe(handlersBefore); // all tests above have run the encoder
  });

  it.skipIf(spawnSync('ffmpeg', ['-version']).error)('shows the pictures that went in (needs ffmpeg)', async () => {
    const frames = movingBall({ count: 9, height: 64, width: 96, fps: 24 });
    const path = join(mkdtempSync(join(tmpdir(), 'quantcache-')), 'ball.mp4');
    writeFileSync(path, await mp4.encode(frames, '{}'));
    const decoded = spawnSync('ffmpeg', ['-v', 'error', '-i', path, '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-']);
    expect(decoded.stderr.toString()).toBe('');
    expect(meanDifference(decoded.stdout, frames.data)).toBeLessThan(3);
  });
});
