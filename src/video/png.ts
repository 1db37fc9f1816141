/**
 * png: one frame as a picture, several as a contact sheet (all frames up to 64, in reading order).
 * Written here with node:zlib, so that stills need no package. RGB, 8 bits; the metadata is an iTXt chunk "Comment"
 * (PNG specification, 11.3.3.4), which is UTF-8.
 */
import { promisify } from 'node:util';
import { deflate as deflateCallback, crc32 as zlibCrc32 } from 'node:zlib';
import { throwIfAborted } from '../errors.ts';
import { contactSheet } from './contactsheet.ts';
import type { VideoFormat } from './encoder.ts';
import { type Frames, frameAt } from './frames.ts';

const deflate = promisify(deflateCallback);
const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const commentPrefix = 'Comment\0\0\0\0\0'; // keyword, not compressed, no language, no translated keyword

async function encode(frames: Frames, comment: string, signal?: AbortSignal): Promise<Uint8Array> {
  throwIfAborted(signal);
  const { width, height, data } = frames.count > 1 ? contactSheet(frames) : { ...frames, data: frameAt(frames, 0) };
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([8, 2], 8); // 8 bits, RGB; deflate, filters per row, not interlaced
  return Buffer.concat([
    Uint8Array.from(signature),
    chunk('IHDR', header),
    chunk('iTXt', new TextEncoder().encode(commentPrefix + comment)),
    chunk('IDAT', await deflate(filterRows(data, width * 3))),
    chunk('IEND', new Uint8Array()),
  ]);
}

function chunk(name: string, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(12 + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  bytes.set(new TextEncoder().encode(name), 4);
  bytes.set(data, 8);
  view.setUint32(8 + data.length, zlibCrc32(bytes.subarray(4, 8 + data.length)));
  return bytes;
}

/** Prepares rows for compression: each takes the filter (none, left, up or Paeth) that leaves the smallest sum. */
function filterRows(data: Uint8Array, rowBytes: number): Uint8Array {
  const rows = data.length / rowBytes;
  const filtered = new Uint8Array(rows * (rowBytes + 1));
  const blank = new Uint8Array(rowBytes);
  const candidate = new Uint8Array(rowBytes);
  for (let y = 0; y < rows; y++) {
    const row = data.subarray(y * rowBytes, (y + 1) * rowBytes);
    const above = y > 0 ? data.subarray((y - 1) * rowBytes, y * rowBytes) : blank;
    let smallest = Number.POSITIVE_INFINITY;
    for (const filter of [0, 1, 2, 4]) {
      const sum = filterRow(filter, row, above, candidate);
      if (sum >= smallest) continue;
      smallest = sum;
      filtered[y * (rowBytes + 1)] = filter;
      filtered.set(candidate, y * (rowBytes + 1) + 1);
    }
  }
  return filtered;
}

/** Writes one filtered row and returns the sum of its values taken as signed: small sums compress well. */
function filterRow(filter: number, row: Uint8Array, above: Uint8Array, out: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < row.length; i++) {
    const left = i < 3 ? 0 : row[i - 3]!;
    const up = above[i]!;
    const corner = i < 3 ? 0 : above[i - 3]!;
    const prediction = filter === 0 ? 0 : filter === 1 ? left : filter === 2 ? up : paeth(left, up, corner);
    const value = (row[i]! - prediction) & 255;
    out[i] = value;
    sum += value < 128 ? value : 256 - value;
  }
  return sum;
}

/** The neighbour closest to left + up - corner (PNG specification, 9.4). */
function paeth(left: number, up: number, corner: number): number {
  const byLeft = Math.abs(up - corner);
  const byUp = Math.abs(left - corner);
  const byCorner = Math.abs(left + up - 2 * corner);
  if (byLeft <= byUp && byLeft <= byCorner) return left;
  return byUp <= byCorner ? up : corner;
}

/** The text of a png's iTXt "Comment" chunk as this file writes it, else undefined. */
export function readPngComment(png: Uint8Array): string | undefined {
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength);
  for (let at = signature.length; at + 12 <= png.length; ) {
    const size = view.getUint32(at);
    const name = String.fromCharCode(...png.subarray(at + 4, at + 8));
    const text = name === 'iTXt' ? new TextDecoder().decode(png.subarray(at + 8, at + 8 + size)) : '';
    if (text.startsWith(commentPrefix)) return text.slice(commentPrefix.length);
    at += 12 + size;
  }
  return undefined;
}

/** png; needs no optional package. */
export const png: VideoFormat = { limits: { side: 2 ** 31 - 1 }, encode };
