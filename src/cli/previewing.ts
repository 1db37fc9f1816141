/** `generate --preview`: a picture beside each clip's file that grows by a row with every look ahead. */
import { extname } from 'node:path';
import { InvalidArgumentError } from 'commander';
import type { Geometry } from '../api/models.ts';
import { createPreviews, loadPreviewMap, type Previews, type PreviewTime, previewTimes } from '../api/run.ts';
import { contactSheet, type Frames, makeFrames } from '../api/video.ts';
import { type Pipeline, saveVideo } from '../index.ts';

/** Rows of a picture: of more previews, those that came last. */
const mostRows = 64;

/** The value of the flag. What follows it without a sign may be a prompt, which is said. */
export function previewTime(text: string): PreviewTime {
  if ((previewTimes as readonly string[]).includes(text)) return text as PreviewTime;
  throw new InvalidArgumentError(`Use ${previewTimes.join(' or ')}, and give the prompt before it.`);
}

/** Where the previews of a clip are shown. */
export const previewPath = (clip: string): string => `${clip.slice(0, clip.length - extname(clip).length)}.preview.png`;

export interface PreviewingOptions {
  readonly pipeline: Pipeline;
  readonly geometry: Geometry;
  /** Undefined shows nothing. */
  readonly when: PreviewTime | undefined;
  /** Of the clips, in the order of the prompts; those that are not written are not shown. */
  readonly files: readonly (string | undefined)[];
}

/** Previews of a run that begins now; undefined where none are asked for. Throws what loading the map throws. */
export async function openPreviews(options: PreviewingOptions): Promise<Previews | undefined> {
  const { pipeline, geometry, when, files } = options;
  if (when === undefined) return undefined;
  const map = await loadPreviewMap(pipeline);
  const rows = files.map((): Frames[] => []);
  return createPreviews({
    map,
    geometry,
    when,
    async show(previews, { clip }) {
      for (const [at, pictures] of previews.entries()) {
        const i = clip + at;
        const file = files[i];
        if (file === undefined) continue;
        rows[i] = [...rows[i]!, contactSheet(pictures, { columns: pictures.count, gap: 1 })].slice(-mostRows);
        await saveVideo(stacked(rows[i]), previewPath(file));
      }
    },
  });
}

/** Pictures of one size below each other. */
function stacked(rows: readonly Frames[]): Frames {
  const [{ width, height, fps }] = rows as [Frames];
  const gap = new Uint8Array(width * 3).fill(255);
  const data = Buffer.concat(rows.flatMap(({ data }, i) => (i === 0 ? [data] : [gap, data])));
  return makeFrames(data, { count: 1, width, height: (height + 1) * rows.length - 1, fps });
}
