/** Previews of a run in the engine: the newest one lies in the job's folder while the run goes on, and the server is told. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Geometry } from '../../api/models.ts';
import { createPreviews, loadPreviewMap, type PreviewMap, type Previews } from '../../api/run.ts';
import { contactSheet } from '../../api/video.ts';
import { type GenerateEvent, type Pipeline, saveVideo } from '../../index.ts';
import { type FromEngine, previewFile, type RunOrder } from './messages.ts';

export interface ShowOptions {
  readonly geometry: Geometry;
  readonly say: (message: FromEngine) => void;
}

/** Maps of the models that are open: reading one anew would take milliseconds of every clip. */
const maps = new WeakMap<Pipeline, PreviewMap>();

/** Previews as the order asks for them: pictures side by side, in the order of time. Disposing of it removes the last one. */
export async function showRun(
  { pipeline }: { readonly pipeline: Pipeline },
  { request: { preview }, folder, attempt }: Pick<RunOrder, 'request' | 'folder' | 'attempt'>,
  { geometry, say }: ShowOptions,
): Promise<AsyncDisposable & Pick<Previews, 'offer'>> {
  if (preview === undefined) return { offer: async () => undefined, [Symbol.asyncDispose]: async () => undefined };
  const path = join(folder, previewFile(attempt));
  const map = maps.get(pipeline) ?? (await loadPreviewMap(pipeline));
  maps.set(pipeline, map);
  const previews = createPreviews({
    map,
    geometry,
    when: preview,
    async show([pictures], { step }) {
      await saveVideo(contactSheet(pictures!, { columns: pictures!.count, gap: 0 }), path);
      say({ type: 'preview', step });
    },
  });
  return {
    offer: (event: GenerateEvent) => previews.offer(event),
    [Symbol.asyncDispose]: () => rm(path, { force: true }),
  };
}
