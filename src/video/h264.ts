/**
 * H.264 on a bare install: the WebAssembly build of minih264 (package h264-mp4-encoder), wrapped.
 * Constant quantizer, baseline profile, no B-frames: packets come in display order, one per frame.
 * The package's own mp4 calls every packet a key frame and has no metadata, so mp4.ts takes the packets out of it and
 * writes a container of its own.
 */
import { createRequire } from 'node:module';
import { throwIfAborted } from '../errors.ts';
import { pause } from './encoder.ts';
import type { Frames } from './frames.ts';
import { evenSize, frameToI420 } from './yuv.ts';

/** Quality: 10 (best) to 51. Measured: 20 is within 1 to 4 dB of 10 at a quarter to an eighth of the size. */
const quantizer = 20;

/** Seconds between key frames: how far a player has to go back to seek. */
const keyFrameInterval = 2;

/** Encodes frames to an mp4 as the package writes it; odd sizes grow by one pixel. */
export async function encodeH264(frames: Frames, signal?: AbortSignal): Promise<Uint8Array> {
  throwIfAborted(signal);
  const encoder = await loadEncoder().createH264MP4Encoder();
  const name = `${crypto.randomUUID()}.mp4`; // all encoders of a process share one in-memory file system
  try {
    encoder.outputFilename = name;
    encoder.width = evenSize(frames.width);
    encoder.height = evenSize(frames.height);
    encoder.frameRate = Math.max(1, Math.trunc(frames.fps)); // for its rate control only; mp4.ts writes the times
    encoder.speed = 5; // measured: a fourth of the time of 0, the best, for 0.1 dB and a few percent of the size
    encoder.quantizationParameter = quantizer;
    encoder.groupOfPictures = Math.max(1, Math.round(frames.fps * keyFrameInterval));
    encoder.initialize();
    try {
      for (let index = 0; index < frames.count; index++) {
        encoder.addFrameYuv(frameToI420(frames, index));
        await pause(signal);
      }
    } finally {
      encoder.finalize(); // after an abort too: deleting an unfinished encoder crashes it
    }
    return encoder.FS.readFile(name, { encoding: 'binary' });
  } finally {
    if (encoder.FS.readdir('/').includes(name)) encoder.FS.unlink(name);
    encoder.delete();
  }
}

/**
 * Loads the package and takes back what its loader does to the process: handlers that turn any unhandled rejection
 * and uncaught exception of the host program into an abort of the encoder. Required, not imported: nothing else can run
 * in between, so the handlers that appear are the loader's.
 */
function loadEncoder(): typeof import('h264-mp4-encoder') {
  const events = ['uncaughtException', 'unhandledRejection'] as const;
  const listeners = (event: (typeof events)[number]) => process.listeners(event as 'uncaughtException');
  const before = new Set(events.flatMap(listeners));
  const module = createRequire(import.meta.url)('h264-mp4-encoder');
  for (const event of events) {
    for (const listener of listeners(event)) if (!before.has(listener)) process.removeListener(event, listener);
  }
  return module;
}

/** Whether an H.264 packet with 4-byte length prefixes is a key frame: it has a slice of type 5 (IDR). */
export function isKeyPacket(data: Uint8Array): boolean {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  for (let at = 0; at + 4 < data.length; at += 4 + view.getUint32(at)) {
    if ((data[at + 4]! & 0x1f) === 5) return true;
  }
  return false;
}
