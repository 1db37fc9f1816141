/**
 * mp4 (H.264): the format of the bare install and the default of the command line.
 * Frame times are exact multiples of 1/fps, the index comes first (plays while it downloads), colours are tagged, and
 * the comment (`moov/udta/meta/ilst/©cmt`) holds the metadata. Odd sizes grow by one pixel (see yuv.ts).
 */
import {
  BufferSource,
  BufferTarget,
  EncodedPacketSink,
  EncodedVideoPacketSource,
  Input,
  MP4,
  Mp4OutputFormat,
  Output,
} from 'mediabunny';
import { QuantCacheError } from '../errors.ts';
import type { VideoFormat } from './encoder.ts';
import type { Frames } from './frames.ts';
import { encodeH264, isKeyPacket } from './h264.ts';
import { clearTimes } from './mp4-times.ts';
import { yuvColorSpace } from './yuv.ts';

async function encode(frames: Frames, comment: string, signal?: AbortSignal): Promise<Uint8Array> {
  using input = new Input({ source: new BufferSource(await encodeH264(frames, signal)), formats: [MP4] });
  const track = await input.getPrimaryVideoTrack();
  const decoderConfig = await track?.getDecoderConfig();
  if (!track || !decoderConfig) throw encoderFailed(`wrote no video track for ${frames.width}x${frames.height}`);

  const target = new BufferTarget();
  const output = new Output({ format: new Mp4OutputFormat({ fastStart: 'in-memory' }), target });
  const source = new EncodedVideoPacketSource('avc');
  output.addVideoTrack(source, { frameRate: frames.fps });
  output.setMetadataTags({ comment });
  await output.start();
  let count = 0;
  for await (const packet of new EncodedPacketSink(track).packets()) {
    const type = isKeyPacket(packet.data) ? 'key' : 'delta';
    const timed = packet.clone({ type, timestamp: count / frames.fps, duration: 1 / frames.fps });
    await source.add(timed, { decoderConfig: { ...decoderConfig, colorSpace: yuvColorSpace } });
    count++;
  }
  if (count !== frames.count) throw encoderFailed(`wrote ${count} frames of ${frames.count}`);
  await output.finalize();
  const bytes = new Uint8Array(target.buffer!);
  clearTimes(bytes);
  return bytes;
}

function encoderFailed(what: string): QuantCacheError {
  return new QuantCacheError('io', `The H.264 encoder ${what}. Save as .gif or .png instead, and please report this.`);
}

/** mp4 with H.264 video; needs no optional package. */
export const mp4: VideoFormat = {
  limits: { side: 16_384, rates: { least: 0.1, most: 1000, why: 'players keep no other times' } },
  encode,
};
