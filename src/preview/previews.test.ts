/** When previews are made: on a clock that tests turn, of a run that computes nothing. */
import { expect, test } from 'vitest';
import type { GenerateEvent } from '../generate.ts';
import type { PreviewMap } from './map.ts';
import { createPreviews, type PreviewTime } from './previews.ts';

const map: PreviewMap = {
  format: 'quantcache-preview',
  version: 1,
  model: { name: 'small', hash: 'a' },
  channels: 1,
  block: 1,
  weights: Array.from({ length: 3 }, () => Array<number>(11).fill(0)),
  measured: {},
};
const latent = { channels: 1, frames: 2, height: 2, width: 2 };
const geometry = { height: 2, width: 2, numFrames: 8, fps: 8, latent };

interface Setting {
  readonly when: PreviewTime;
  /** Milliseconds. */
  readonly perStep: number;
  readonly perPreview: number;
  readonly numSteps: number;
  readonly prompts?: number;
}

/** Runs so many steps, every third of which is leapt over; when previews came, and what they were. */
async function run({ when, perStep, perPreview, numSteps, prompts = 1 }: Setting) {
  let time = 0;
  const shown: { step: number; at: number; clips: number; fps: number }[] = [];
  const previews = createPreviews({
    map,
    geometry,
    when,
    now: () => time,
    async show(clips, { step }) {
      shown.push({ step, at: time, clips: clips.length, fps: clips[0]!.fps });
      time += perPreview;
    },
  });
  for (let step = 0; step < numSteps; step++) {
    time += perStep;
    const predict = step % 3 === 2 ? undefined : async () => new Float32Array(8 * prompts);
    const event: GenerateEvent = {
      type: 'step',
      loop: 0,
      clip: 0,
      clips: 1,
      step,
      numSteps,
      decisions: [],
      canSave: true,
      predict,
      milliseconds: time,
    };
    await previews.offer(event);
  }
  expect(previews.shown).toBe(shown.length);
  expect(previews.spent()).toBeCloseTo(shown.length * perPreview);
  return { shown, time };
}

test('a run of less than three seconds has none', async () => {
  expect((await run({ when: 'auto', perStep: 99, perPreview: 0.1, numSteps: 30 })).shown).toEqual([]);
});

test.each([5, 20, 100, 700])('a longer one gives them a hundredth of its time: %i ms each', async (perPreview) => {
  const { shown, time } = await run({ when: 'auto', perStep: 1000, perPreview, numSteps: 200 });
  expect(shown.length).toBeGreaterThan(1);
  expect((shown.length * perPreview) / time).toBeLessThanOrEqual(0.01);
});

test('cheap ones come at most twice in a second', async () => {
  const { shown } = await run({ when: 'auto', perStep: 100, perPreview: 0.1, numSteps: 100 });
  expect(shown[0]!.at).toBeGreaterThanOrEqual(3000);
  for (const [i, { at }] of shown.slice(1).entries()) expect(at - shown[i]!.at).toBeGreaterThanOrEqual(500);
  expect(shown.length).toBeGreaterThan(8);
});

test('always is at every step that is computed, whatever it costs; every prompt has its own', async () => {
  const { shown } = await run({ when: 'always', perStep: 10, perPreview: 50, numSteps: 9, prompts: 3 });
  expect(shown.map(({ step }) => step)).toEqual([1, 2, 4, 5, 7, 8]);
  expect(shown[0]).toMatchObject({ clips: 3, fps: 2 });
});
