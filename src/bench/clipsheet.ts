/** A contact sheet of many clips: one clip per row, its frames from first to last. */
import { contactSheet, frameAt, makeFrames } from '../api/video.ts';
import type { Frames, Pipeline, Runtime } from '../index.ts';
import { type ClipOptions, makeClip } from './clip.ts';
import type { Cell } from './comparison.ts';
import type { Row } from './rows.ts';

export interface ClipSheetOptions extends ClipOptions {
  readonly row: Row;
  readonly cells: readonly Cell[];
  /** Clips that are there already, by prompt; the others are made again. */
  readonly kept: ReadonlyMap<string, Frames>;
}

const columns = 9;

/** Composes the picture. */
export async function clipSheet(pipeline: Pipeline, runtime: Runtime, options: ClipSheetOptions): Promise<Frames> {
  const { row, cells, kept } = options;
  const clips: Frames[] = [];
  for (const cell of cells)
    clips.push(kept.get(cell.prompt) ?? (await makeClip(pipeline, runtime, { row, cell }, options)).frames);
  return sheetOf(clips);
}

/** Clips of equal size below each other, frames evenly spaced from the first to the last. */
export function sheetOf(clips: readonly Frames[]): Frames {
  const { width, height, fps, count } = clips[0]!;
  const shown = Math.min(columns, count);
  const indices = Array.from({ length: shown }, (_, i) => Math.round((i * (count - 1)) / Math.max(1, shown - 1)));
  const pictures = clips.flatMap((clip) => indices.map((index) => frameAt(clip, index)));
  const data = new Uint8Array(pictures.length * width * height * 3);
  for (const [i, picture] of pictures.entries()) data.set(picture, i * picture.length);
  const all = makeFrames(data, { count: pictures.length, width, height, fps });
  return contactSheet(all, { columns: shown, limit: pictures.length });
}
