/**
 * webm (VP9): through mediabunny and its optional FFmpeg-backed companion, which brings the encoder.
 * The companion holds GPL code, so it is never a dependency of ours: who wants webm installs it.
 */
import { BufferTarget, Output, Quality, VideoSample, VideoSampleSource, WebMOutputFormat } from 'mediabunny';
import { throwIfAborted } from '../errors.ts';
import type { VideoFormat } from './encoder.ts';
import type { Frames } from './frames.ts';
import { importPeer } from './peer.ts';
import { evenSize, frameToI420, yuvColorSpace } from './yuv.ts';

interface ServerCodecs {
  registerMediabunnyServer(options: { hardwareContext: null }): void;
}

/** Makes mediabunny able to encode and decode in Node, or throws `missing_peer`; calling it twice is harmless. */
export async function registerCodecs(purpose: string, alternative: string): Promise<void> {
  const server = await importPeer<ServerCodecs>('@mediabunny/server', purpose, alternative);
  server.registerMediabunnyServer({ hardwareContext: null });
}

async function prepare(): Promise<void> {
  await registerCodecs('Writing .webm', 'Without it, .mp4, .gif and .png can be written.');
}

async function encode(frames: Frames, comment: string, signal?: AbortSignal): Promise<Uint8Array> {
  await prepare();
  const target = new BufferTarget();
  const output = new Output({ format: new WebMOutputFormat(), target });
  const source = new VideoSampleSource({ codec: 'vp9', quality: new Quality('very-high') });
  output.addVideoTrack(source, { frameRate: frames.fps });
  output.setMetadataTags({ comment });
  await output.start();
  try {
    for (let index = 0; index < frames.count; index++) {
      throwIfAborted(signal);
      using sample = new VideoSample(frameToI420(frames, index), {
        format: 'I420',
        codedWidth: evenSize(frames.width),
        codedHeight: evenSize(frames.height),
        timestamp: index / frames.fps,
        duration: 1 / frames.fps,
        colorSpace: yuvColorSpace,
      });
      await source.add(sample);
    }
  } catch (error) {
    await output.cancel();
    throw error;
  }
  await output.finalize();
  return new Uint8Array(target.buffer!);
}

/** webm with VP9 video; needs the optional package @mediabunny/server. */
export const webm: VideoFormat = {
  limits: { side: 16_384, rates: { least: 0.1, most: 1000, why: 'its times are whole milliseconds' } },
  prepare,
  encode,
};
