/**
 * Previews of a run as it goes: pictures of what the network predicts that it will come to. They cost a run next to nothing: runs
 * of less than three seconds have none, and longer ones give a hundredth of their time to them.
 */
import { samplesOf } from '../clip.ts';
import type { GenerateEvent } from '../generate.ts';
import type { Geometry } from '../model.ts';
import { createKeeper } from '../run/keeper.ts';
import type { Frames } from '../video/frames.ts';
import { drawLatents, fitToSize, mostPictures, type PreviewMap } from './map.ts';

/** `auto`: of runs that take long, as often as costs next to nothing; `always`: at every step that is computed. */
export const previewTimes = ['auto', 'always'] as const;
export type PreviewTime = (typeof previewTimes)[number];

export interface PreviewOptions {
  readonly map: PreviewMap;
  readonly geometry: Geometry;
  readonly when: PreviewTime;
  /**
   * Shows previews, some pictures of each of the batch's clips from `clip` on, made at a step that counts from 1 through all
   * loops.
   */
  show(previews: readonly Frames[], at: { readonly clip: number; readonly step: number }): Promise<void>;
  /** Milliseconds of some clock. */
  now?(): number;
}

export interface Previews {
  /** Give it every event of the run before the next one is asked for. */
  offer(event: GenerateEvent): Promise<void>;
  /** How many were shown. */
  readonly shown: number;
  /** Milliseconds that they took. */
  spent(): number;
}

/** Milliseconds before the first preview, and from one to the next. */
const [patience, pause] = [3000, 500];
const share = 0.01;
/** Multiplications in a millisecond, of a program that has only begun: what the first preview is expected to take follows. */
const pace = 60_000;

/** Previews of a run that begins now. */
export function createPreviews({ map, geometry, when, show, now = () => performance.now() }: PreviewOptions): Previews {
  const { latent } = geometry;
  const fitting = fitToSize(map, Math.max(latent.height, latent.width));
  const pictures = Math.min(latent.frames, mostPictures);
  const fps = (geometry.fps * pictures) / geometry.numFrames;
  let shown = 0;
  let last = Number.NEGATIVE_INFINITY;
  let current: Extract<GenerateEvent, { type: 'step' }>;
  const keeper = createKeeper({
    after: when === 'always' ? 0 : patience,
    share: when === 'always' ? Number.POSITIVE_INFINITY : share,
    expected: (latent.height * latent.width * pictures * fitting.weights.length) / pace,
    now,
    async save() {
      const latents = (await current.predict!())!;
      const clips = samplesOf(latents, latent, latents.length / (latent.channels * planeOf(latent)));
      await show(
        clips.map((clip) => drawLatents(fitting, clip, fps)),
        { clip: current.clip, step: current.loop * current.numSteps + current.step + 1 },
      );
      shown++;
      last = now();
    },
  });
  return {
    async offer(event) {
      if (event.type !== 'step' || !event.predict || (when === 'auto' && now() - last < pause)) return;
      current = event;
      await keeper.offer();
    },
    get shown() {
      return shown;
    },
    spent: keeper.spent,
  };
}

const planeOf = ({ frames, height, width }: Geometry['latent']): number => frames * height * width;
