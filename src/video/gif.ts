/**
 * gif: sharp where it is installed (dithered, smaller), else gifenc (a palette of 256 colours per frame).
 * Times are whole hundredths of a second and players slow down anything under 2, so delays are spread such that the
 * clip keeps its length up to 50 fps. The metadata is a comment extension (GIF89a, section 24), which is ASCII.
 */
import { createRequire } from 'node:module';
import { throwIfAborted } from '../errors.ts';
import { pause, type VideoFormat } from './encoder.ts';
import { type Frames, frameAt } from './frames.ts';
import { findSharp, type Sharp } from './peer.ts';

/** The part of gifenc that is used here; the package has no types. */
interface Gifenc {
  GIFEncoder(): {
    writeFrame(
      indices: Uint8Array,
      width: number,
      height: number,
      options: { palette: number[][]; delay: number },
    ): void;
    finish(): void;
    bytes(): Uint8Array;
  };
  quantize(rgba: Uint8Array, colours: number): number[][];
  applyPalette(rgba: Uint8Array, palette: number[][]): Uint8Array;
}

/** Delay of each frame in milliseconds, multiples of 10 that add up to the clip's length. */
export function gifDelays(frames: Frames): number[] {
  const hundredths = (index: number) => Math.round((index * 100) / frames.fps);
  return Array.from({ length: frames.count }, (_, i) => 10 * Math.max(2, hundredths(i + 1) - hundredths(i)));
}

/** Encodes with gifenc: pure JavaScript, always there. */
export async function encodeWithGifenc(frames: Frames, signal?: AbortSignal): Promise<Uint8Array> {
  // required, not imported: it is CommonJS marked as a module, whose default Node and bundlers disagree about
  const { GIFEncoder, quantize, applyPalette } = createRequire(import.meta.url)('gifenc') as Gifenc;
  const { width, height } = frames;
  const encoder = GIFEncoder();
  const delays = gifDelays(frames);
  for (let index = 0; index < frames.count; index++) {
    await pause(signal);
    const pixels = toRgba(frameAt(frames, index));
    const palette = quantize(pixels, 256);
    encoder.writeFrame(applyPalette(pixels, palette), width, height, { palette, delay: delays[index]! });
  }
  encoder.finish();
  return encoder.bytes();
}

/** Encodes with sharp: better colours, needs the optional package. */
export async function encodeWithSharp(sharp: Sharp, frames: Frames): Promise<Uint8Array> {
  const raw = { width: frames.width, height: frames.height * frames.count, channels: 3 as const };
  return await sharp(frames.data, { raw: { ...raw, pageHeight: frames.height }, limitInputPixels: false })
    .gif({ loop: 0, delay: gifDelays(frames), effort: 4, dither: 0.5, keepDuplicateFrames: true }) // 3x faster than the default, same error
    .toBuffer();
}

async function encode(frames: Frames, comment: string, signal?: AbortSignal): Promise<Uint8Array> {
  const sharp = await findSharp();
  throwIfAborted(signal);
  const gif = sharp ? await encodeWithSharp(sharp, frames) : await encodeWithGifenc(frames, signal);
  return insertComment(gif, comment);
}

function toRgba(rgb: Uint8Array): Uint8Array {
  const rgba = new Uint8Array((rgb.length / 3) * 4).fill(255);
  for (let from = 0, to = 0; from < rgb.length; from += 3, to += 4) {
    rgba[to] = rgb[from]!;
    rgba[to + 1] = rgb[from + 1]!;
    rgba[to + 2] = rgb[from + 2]!;
  }
  return rgba;
}

/** The offset of the first block after the header, the screen descriptor and the global palette. */
function firstBlock(gif: Uint8Array): number {
  const flags = gif[10]!;
  return 13 + (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0);
}

function insertComment(gif: Uint8Array, comment: string): Uint8Array {
  const text = new TextEncoder().encode(asciiJson(comment));
  const extension = [0x21, 0xfe];
  for (let at = 0; at < text.length; at += 255) {
    const block = text.subarray(at, at + 255);
    extension.push(block.length, ...block);
  }
  extension.push(0);
  const at = firstBlock(gif);
  const result = new Uint8Array(gif.length + extension.length);
  result.set(gif.subarray(0, at));
  result.set(extension, at);
  result.set(gif.subarray(at), at + extension.length);
  return result;
}

/** JSON text with everything outside ASCII as \u escapes: the same value, readable by tools that know only ASCII. */
function asciiJson(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** The comment of a gif that this file wrote (it is the first block), else undefined. */
export function readGifComment(gif: Uint8Array): string | undefined {
  let at = firstBlock(gif);
  if (gif[at] !== 0x21 || gif[at + 1] !== 0xfe) return undefined;
  let text = '';
  for (at += 2; gif[at]; at += gif[at]! + 1) text += new TextDecoder().decode(gif.subarray(at + 1, at + 1 + gif[at]!));
  return text;
}

/** Animated gif, looping; better with the optional package sharp. */
export const gif: VideoFormat = {
  limits: { side: 65_535, rates: { least: 0.1, most: 50, why: 'players slow down frames of under 20 ms' } },
  encode,
};
