/**
 * webp: every frame is encoded by the optional package sharp, and the container is written here, because libwebp's own
 * animation encoder merges equal frames (a clip that stands still becomes a still) and takes times up to 10 ms for 100 ms.
 * The metadata is XMP (dc:description). Reference: developers.google.com/speed/webp/docs/riff_container.
 */
import { throwIfAborted } from '../errors.ts';
import type { VideoFormat } from './encoder.ts';
import { type Frames, frameAt } from './frames.ts';
import { importSharp, type Sharp } from './peer.ts';

/** Quality of the lossy encoder, 1 to 100. */
const quality = 90;

/** Flags of the header. */
const hasXmp = 0x04;
const isAnimated = 0x02;
/** Flag of a frame: it replaces what was there. */
const notBlended = 0x02;

async function loadSharp(): Promise<Sharp> {
  return await importSharp('Writing .webp', 'Without it, .mp4, .gif and .png can be written.');
}

async function encode(frames: Frames, comment: string, signal?: AbortSignal): Promise<Uint8Array> {
  const sharp = await loadSharp();
  const pictures: Buffer[] = [];
  for (let index = 0; index < frames.count; index++) {
    throwIfAborted(signal);
    pictures.push(await pictureOf(sharp, frames, index));
  }
  const xmp = chunk('XMP ', Buffer.from(toXmp(comment)));
  const flags = hasXmp | (frames.count > 1 ? isAnimated : 0);
  const header = chunk('VP8X', Buffer.from([flags, 0, 0, 0]), sizeOf(frames));
  if (frames.count === 1) return riff([header, pictures[0]!, xmp]);
  const forEver = chunk('ANIM', Buffer.alloc(6));
  const delays = millisecondDelays(frames);
  const animated = pictures.map((picture, i) => {
    const atOrigin = Buffer.alloc(6);
    return chunk('ANMF', atOrigin, sizeOf(frames), threeBytes(delays[i]!), Buffer.from([notBlended]), picture);
  });
  return riff([header, forEver, ...animated, xmp]);
}

/** One frame as the `VP8 ` chunk of a still. */
async function pictureOf(sharp: Sharp, frames: Frames, index: number): Promise<Buffer> {
  const { width, height } = frames;
  const options = { raw: { width, height, channels: 3 as const }, limitInputPixels: false };
  const still = await sharp(frameAt(frames, index), options).webp({ quality, smartSubsample: true }).toBuffer();
  for (const { name, at, size } of chunksOf(still))
    if (name === 'VP8 ') return still.subarray(at - chunkHeader, at + size + (size % 2));
  throw new Error('sharp wrote a webp without a picture');
}

const chunkHeader = 8;

function* chunksOf(webp: Uint8Array): Generator<{ name: string; at: number; size: number }> {
  const view = new DataView(webp.buffer, webp.byteOffset, webp.byteLength);
  for (let at = 12; at + chunkHeader <= webp.length; ) {
    const name = String.fromCharCode(...webp.subarray(at, at + 4));
    const size = view.getUint32(at + 4, true);
    yield { name, at: at + chunkHeader, size };
    at += chunkHeader + size + (size % 2);
  }
}

function chunk(name: string, ...parts: Buffer[]): Buffer {
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  const header = Buffer.alloc(chunkHeader);
  header.write(name, 'latin1');
  header.writeUInt32LE(size, 4);
  return Buffer.concat([header, ...parts, Buffer.alloc(size % 2)]);
}

const riff = (chunks: readonly Buffer[]): Buffer => chunk('RIFF', Buffer.from('WEBP'), ...chunks);

function threeBytes(value: number): Buffer {
  const bytes = Buffer.alloc(3);
  bytes.writeUIntLE(value, 0, 3);
  return bytes;
}

/** Width and height, each less one. */
const sizeOf = ({ width, height }: Frames): Buffer => Buffer.concat([threeBytes(width - 1), threeBytes(height - 1)]);

/** Delay of each frame in whole milliseconds, adding up to the clip's length. */
function millisecondDelays(frames: Frames): number[] {
  const milliseconds = (index: number) => Math.round((index * 1000) / frames.fps);
  return Array.from({ length: frames.count }, (_, i) => milliseconds(i + 1) - milliseconds(i));
}

const escapes = { '&': '&amp;', '<': '&lt;', '>': '&gt;' } as const;

function toXmp(comment: string): string {
  const text = comment.replace(/[&<>]/g, (character) => escapes[character as keyof typeof escapes]);
  return (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">' +
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">' +
    '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:description><rdf:Alt>' +
    `<rdf:li xml:lang="x-default">${text}</rdf:li>` +
    '</rdf:Alt></dc:description></rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
  );
}

/** The description in a webp's XMP chunk, else undefined. */
export function readWebpComment(webp: Uint8Array): string | undefined {
  for (const { name, at, size } of chunksOf(webp)) {
    if (name !== 'XMP ') continue;
    const xmp = new TextDecoder().decode(webp.subarray(at, at + size));
    const text = /<rdf:li xml:lang="x-default">([^<]*)<\/rdf:li>/.exec(xmp)?.[1];
    return text?.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
  }
  return undefined;
}

/** Animated webp; needs the optional package sharp. */
export const webp: VideoFormat = {
  limits: { side: 16_383, rates: { least: 0.1, most: 90, why: 'players show frames of up to 10 ms for 100 ms' } },
  prepare: async () => void (await loadSharp()),
  encode,
};
