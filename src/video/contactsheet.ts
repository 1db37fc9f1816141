/**
 * Contact sheets: frames side by side in reading order, to look at a whole clip in one picture.
 */
import { checkOptionNames, type OptionNames } from '../options.ts';
import { type Frames, frameAt, makeFrames } from './frames.ts';

/** How a contact sheet is laid out. */
export interface ContactSheetOptions {
  /** Frames per row; default: as many as make the sheet about as wide as high. */
  readonly columns?: number;
  /** At most this many frames, evenly spaced from the first to the last; default 64. */
  readonly limit?: number;
  /** Pixels between frames, white; default 2. */
  readonly gap?: number;
}

const optionNames: OptionNames<ContactSheetOptions> = { columns: true, limit: true, gap: true };

/** Composes the frames of a clip into one picture (a clip of one frame). */
export function contactSheet(frames: Frames, options: ContactSheetOptions = {}): Frames {
  checkOptionNames(options, optionNames, 'contactSheet()');
  const { limit = 64, gap = 2 } = options;
  const indices = evenlySpaced(frames.count, Math.max(1, limit));
  const squarest = Math.round(Math.sqrt((indices.length * frames.height) / frames.width));
  const columns = Math.min(indices.length, Math.max(1, options.columns ?? squarest));
  const rows = Math.ceil(indices.length / columns);
  const width = columns * (frames.width + gap) - gap;
  const height = rows * (frames.height + gap) - gap;
  const data = new Uint8Array(width * height * 3).fill(255);
  const rowBytes = frames.width * 3;
  for (const [cell, index] of indices.entries()) {
    const picture = frameAt(frames, index);
    const left = (cell % columns) * (frames.width + gap);
    const top = Math.floor(cell / columns) * (frames.height + gap);
    for (let y = 0; y < frames.height; y++)
      data.set(picture.subarray(y * rowBytes, (y + 1) * rowBytes), ((top + y) * width + left) * 3);
  }
  return makeFrames(data, { count: 1, height, width, fps: frames.fps });
}

/** `limit` of the indices 0..count-1, first and last included. */
function evenlySpaced(count: number, limit: number): number[] {
  const taken = Math.min(count, limit);
  return Array.from({ length: taken }, (_, i) => Math.round((i * (count - 1)) / Math.max(1, taken - 1)));
}
