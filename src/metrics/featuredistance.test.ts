/** The feature distance on numbers made by hand, and on the demo VAE's features of clips whose order of likeness is known. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Clip } from '../clip.ts';
import { openModel } from '../models/index.ts';
import type { Pipeline } from '../pipeline.ts';
import { createRuntime } from '../runtime/node.ts';
import { type Frames, framesToTensor } from '../video/frames.ts';
import { blurred, noisy, paint, reordered, warmer } from './agreement/testing.ts';
import { featureDistance } from './featuredistance.ts';

/** One layer of two channels; a frame has a row of positions, each `[first channel, second channel]`. */
function layer(...frames: [number, number][][]): Clip {
  const width = frames[0]!.length;
  const data = [0, 1].flatMap((channel) => frames.flat().map((position) => position[channel]!));
  return { data: Float32Array.from(data), channels: 2, frames: frames.length, height: 1, width };
}

async function* features(...batches: Clip[][]): AsyncGenerator<Clip[]> {
  yield* batches;
}

describe('on numbers', () => {
  const right: [number, number] = [1, 0];
  const up: [number, number] = [0, 3];
  const left: [number, number] = [-2, 0];

  it('is the squared distance of directions: 0, 2 and 4, however long the vectors', async () => {
    const to = (other: [number, number]) => featureDistance(features([layer([right])]), features([layer([other])]));
    expect(await to([5, 0])).toBeCloseTo(0, 8);
    expect(await to(up)).toBeCloseTo(2, 8);
    expect(await to(left)).toBeCloseTo(4, 8);
    expect(await to([1, 1])).toBeCloseTo(2 - Math.SQRT2, 6);
  });

  it('is the mean over positions, frames and layers', async () => {
    const reference = () => features([layer([right, right]), layer([right])], [layer([right, right]), layer([right])]);
    const test = features([layer([right, up]), layer([left])], [layer([right, right]), layer([right])]);
    // First frame: layer 1 (0 + 2) / 2, layer 2 4, mean 2.5; second frame 0.
    expect(await featureDistance(reference(), test)).toBeCloseTo(1.25, 8);
    expect(await featureDistance(reference(), reference())).toBe(0);
  });

  it('a position without features is as far as one direction from none', async () => {
    expect(await featureDistance(features([layer([[0, 0]])]), features([layer([[0, 0]])]))).toBe(0);
    expect(await featureDistance(features([layer([[0, 0]])]), features([layer([right])]))).toBeCloseTo(1, 6);
  });

  it.each([
    ['another width', [[layer([right, up])]]],
    ['fewer layers', [[]]],
    ['fewer frames', []],
    ['more frames', [[layer([right])], [layer([right])]]],
  ])('refuses %s', async (_, other) => {
    await expect(featureDistance(features([layer([right])]), features(...(other as Clip[][])))).rejects.toMatchObject({
      code: 'invalid_option',
    });
  });

  it('refuses clips without frames', async () => {
    await expect(featureDistance(features(), features())).rejects.toMatchObject({ code: 'invalid_option' });
  });
});

describe('on the demo model', () => {
  let pipeline: Pipeline;
  beforeAll(async () => {
    pipeline = await openModel(await createRuntime({ threads: 2 }));
  });
  afterAll(() => pipeline[Symbol.asyncDispose]());

  const seen = (frames: Frames) =>
    pipeline.pixels.features!({ ...frames, data: framesToTensor(frames), channels: 3, frames: frames.count });
  const distance = (a: Frames, b: Frames) => featureDistance(seen(a), seen(b));
  const increasing = (values: readonly number[]) => values.every((value, i) => i === 0 || value > values[i - 1]!);

  describe.each(['gray', 'checkerboard', 'blue'])('over %s', (background) => {
    const clip = paint({ background, left: (frame) => 5 + 4 * frame });
    const all = (change: (frames: Frames, by: number) => Frames, ...by: number[]) =>
      Promise.all(by.map((amount) => distance(clip, change(clip, amount))));

    it('an equal clip is at 0, both ways are as far', async () => {
      expect(await distance(clip, clip)).toBe(0);
      const other = noisy(clip, 20);
      expect(await distance(clip, other)).toBeCloseTo(await distance(other, clip), 12);
    });

    it('grows with noise, blur, a shift of colours and of place', async () => {
      expect(await all(noisy, 3, 10, 30, 90)).toSatisfy(increasing);
      expect(await all(blurred, 1, 2, 3)).toSatisfy(increasing);
      expect(await all(warmer, 5, 15, 45)).toSatisfy(increasing);
      const moved = (_: Frames, by: number) => paint({ background, left: (frame) => 5 + by + 4 * frame });
      expect(await all(moved, 1, 3, 8)).toSatisfy(increasing);
    });

    it('another scene is farther than the same one backwards or with a little noise', async () => {
      const other = await distance(clip, paint({ background: 'sunset', left: () => 40 }));
      const backwards = await distance(
        clip,
        reordered(clip, (i) => clip.count - 1 - i),
      );
      expect(other).toBeGreaterThan(backwards);
      expect(backwards).toBeGreaterThan(await distance(clip, noisy(clip, 2)));
    });
  });
});
