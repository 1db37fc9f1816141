/** Consistency on painted clips whose right answer is known. */
import { expect, it } from 'vitest';
import { type Frames, makeFrames } from '../../video/frames.ts';
import { backgroundImage, worldSize } from './backgrounds.ts';
import { consistency } from './consistency.ts';

type Colour = readonly [number, number, number];
const red: Colour = [220, 50, 50];
const backgrounds = { black: 'a black background', gray: 'a gray background', checkerboard: 'a checkerboard' };
const count = 8;

interface Scene {
  readonly background?: string;
  /** Left end, and edge, of the square in a frame. */
  readonly left?: (frame: number) => number;
  readonly edge?: (frame: number) => number;
  readonly colour?: (frame: number) => Colour;
  /** Added to every byte of the background of a frame. */
  readonly light?: (frame: number) => number;
}

/** A square over a background of the world. */
function paint({ background = 'gray', left = () => 10, edge = () => 20, colour = () => red, light }: Scene): Frames {
  const image = Uint8Array.from(backgroundImage(background), (value) => Math.round(value * 255));
  const data = new Uint8Array(count * image.length);
  for (let frame = 0; frame < count; frame++) {
    for (const [i, value] of image.entries()) {
      const pixel = Math.floor(i / 3);
      const [x, y] = [pixel % worldSize, Math.floor(pixel / worldSize)];
      const inside = x >= left(frame) && x < left(frame) + edge(frame) && y >= 20 && y < 20 + edge(frame);
      data[frame * image.length + i] = inside ? colour(frame)[i % 3]! : value + (light?.(frame) ?? 0);
    }
  }
  return makeFrames(data, { count, height: worldSize, width: worldSize, fps: 8 });
}

const of = (scene: Scene) => consistency(paint(scene), { backgrounds });

it.each<[string, Scene]>([
  ['a still clip', {}],
  ['an object that moves', { left: (frame) => 5 + 4 * frame }],
  ['an object that grows', { edge: (frame) => 10 + 3 * frame }],
  ['a textured background', { background: 'checkerboard', left: (frame) => 5 + 4 * frame }],
])('%s is consistent', (_, scene) => {
  const { subject, background } = of(scene);
  expect(subject).toBeGreaterThan(0.97);
  expect(background).toBeGreaterThan(0.999); // an object's corners are taken for background
});

it('an object that changes its colour is no longer the same subject', () => {
  const { subject, background } = of({ colour: (frame) => (frame < count / 2 ? red : [50, 50, 220]) });
  expect(subject).toBeLessThan(0.9);
  expect(background).toBeGreaterThan(0.999); // an object's corners are taken for background
});

it('an object that vanishes, and one that never was', () => {
  expect(of({ edge: (frame) => (frame < 4 ? 20 : 0) }).subject).toBeCloseTo(3 / 7, 1);
  expect(of({ edge: () => 0 })).toEqual({ subject: 0, background: 1 });
});

it('a background that flickers is less consistent, by as much as it flickers', () => {
  const { subject, background } = of({ light: (frame) => (frame % 2 ? 20 : 0) });
  expect(subject).toBeGreaterThan(0.97);
  // Every frame differs from the one before, every second one from the first.
  expect(1 - background).toBeCloseTo(((20 / 255) * (1 + 4 / 7)) / 2, 3);
});

it('a background that is replaced counts as none', () => {
  expect(of({ light: (frame) => (frame < 2 ? 0 : 100) }).background).toBeLessThan(0.6);
});

it('of a single frame is consistent', () => {
  const { data, ...clip } = paint({});
  const one = makeFrames(data.slice(0, data.length / count), { ...clip, count: 1 });
  expect(consistency(one, { backgrounds })).toEqual({ subject: 1, background: 1 });
});
