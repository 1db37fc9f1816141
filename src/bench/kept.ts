/**
 * Clips that are kept to be looked at: for some prompts, every row's video and its decisions as a map, in a folder beside
 * the results (`results.json` has `results.clips/`). Each video says itself what it is of; a file is there whole or not at
 * all, and before the results mention its clip. Videos are H.264, so that a page of a hundred of them stays small.
 */
import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { decisionMap, type TraceDocument } from '../api/trace.ts';
import { frameAt, makeFrames, readMetadata, resizeToFill } from '../api/video.ts';
import { fileError, systemCode } from '../files/failure.ts';
import { findText, readBytes } from '../files/read.ts';
import { saveText } from '../files/write.ts';
import { type Frames, saveVideo } from '../index.ts';
import type { Cell } from './comparison.ts';

/** Pixels of the longer side; larger clips are shrunk. */
const longestSide = 192;
/** Frames; longer clips are thinned out. */
const mostFrames = 40;

const schema = z.object({
  row: z.string(),
  prompt: z.string(),
  seed: z.number(),
  width: z.int().positive(),
  height: z.int().positive(),
  frames: z.int().positive(),
  fps: z.number().positive(),
});

/** A clip as it was kept. */
export interface KeptClip extends z.output<typeof schema> {
  /** An mp4. */
  readonly video: Uint8Array;
  /** The decision map as SVG. */
  readonly map?: string;
}

/** The folder of a results file. */
export const clipsFolder = (file: string): string => `${file.replace(/\.json$/, '')}.clips`;

/** Keeps a clip. */
export async function keepClip(
  folder: string,
  { row, prompt, seed }: Cell & { readonly row: string },
  frames: Frames,
  trace: TraceDocument,
): Promise<void> {
  const path = join(folder, nameOf(row, { prompt, seed }));
  await saveText(`${path}.svg`, decisionMap(trace));
  const shown = shrunk(thinned(frames));
  const { width, height, count, fps } = shown;
  await saveVideo(shown, `${path}.mp4`, { row, prompt, seed, width, height, frames: count, fps });
}

/** All clips of a folder; none where there is no folder. Videos of other programs are left out. */
export async function loadKept(folder: string): Promise<KeptClip[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return [];
    throw fileError('read', folder, error);
  });
  const clips: KeptClip[] = [];
  for (const name of names.filter((file) => file.endsWith('.mp4')).sort()) {
    const path = join(folder, name);
    const known = schema.safeParse(await readMetadata(path));
    if (!known.success) continue;
    const video = await readBytes(path, { what: 'a kept clip', todo: 'Run the command again.' });
    clips.push({ ...known.data, video, map: await findText(path.replace(/mp4$/, 'svg')) });
  }
  return clips;
}

/** A readable name that is as unique as row, prompt and seed. */
function nameOf(row: string, { prompt, seed }: Cell): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([row, prompt, seed]))
    .digest('hex')
    .slice(0, 12);
  return `${row.replaceAll(/[^\w-]+/g, '-').slice(0, 40)}-${hash}`;
}

/** At most `mostFrames`, evenly spaced, over the same time. */
function thinned(frames: Frames): Frames {
  const { width, height, count, fps } = frames;
  if (count <= mostFrames) return frames;
  const size = width * height * 3;
  const data = new Uint8Array(mostFrames * size);
  for (let i = 0; i < mostFrames; i++) {
    data.set(frameAt(frames, Math.round((i * (count - 1)) / (mostFrames - 1))), i * size);
  }
  return makeFrames(data, { count: mostFrames, width, height, fps: (fps * mostFrames) / count });
}

function shrunk(frames: Frames): Frames {
  const { width, height, count, fps } = frames;
  const scale = longestSide / Math.max(width, height);
  if (scale >= 1) return frames;
  const [smallWidth, smallHeight] = [Math.round(width * scale), Math.round(height * scale)];
  const data = new Uint8Array(count * smallWidth * smallHeight * 3);
  for (let i = 0; i < count; i++) {
    const picture = resizeToFill({ width, height, data: frameAt(frames, i) }, smallWidth, smallHeight);
    data.set(picture.data, i * picture.data.length);
  }
  return makeFrames(data, { count, width: smallWidth, height: smallHeight, fps });
}
