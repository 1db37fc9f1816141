import { BufferSource, Input, VideoSampleSink, WEBM } from 'mediabunny';
import { describe, expect, it } from 'vitest';
import { meanDifference, movingBall } from './testing.ts';
import { registerCodecs, webm } from './webm.ts';

const installed = await registerCodecs('', '').then(
  () => true,
  () => false,
);

describe.skipIf(!installed)('webm (needs @mediabunny/server)', () => {
  it('comes back: frames, size, times, pictures, comment', async () => {
    const frames = movingBall({ count: 9, height: 48, width: 64, fps: 8 });
    const bytes = await webm.encode(frames, '{"prompt":"é 猫"}');
    using input = new Input({ source: new BufferSource(bytes), formats: [WEBM] });
    const track = (await input.getPrimaryVideoTrack())!;
    expect([track.codec, track.codedWidth, track.codedHeight]).toEqual(['vp9', 64, 48]);
    expect((await input.getMetadataTags()).comment).toBe('{"prompt":"é 猫"}');
    const times: number[] = [];
    const pictures: Buffer[] = [];
    for await (const sample of new VideoSampleSink(track).samples()) {
      times.push(sample.timestamp);
      const rgba = Buffer.alloc(sample.allocationSize({ format: 'RGBA' }));
      await sample.copyTo(rgba, { format: 'RGBA' });
      pictures.push(rgba.filter((_, i) => i % 4 !== 3) as Buffer);
      sample.close();
    }
    expect(times).toEqual(Array.from({ length: 9 }, (_, i) => i / 8));
    expect(meanDifference(Buffer.concat(pictures), frames.data)).toBeLessThan(4);
  });

  it('stops when aborted, and works again afterwards', async () => {
    const frames = movingBall({ count: 300, height: 64, width: 64, fps: 24 });
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 5);
    await expect(webm.encode(frames, '{}', controller.signal)).rejects.toMatchObject({ code: 'aborted' });
    expect((await webm.encode({ ...frames, count: 2 }, '{}')).length).toBeGreaterThan(100);
  });
});
