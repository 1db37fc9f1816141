/** Consistency on painted clips whose right answer is known. */
import { expect, it } from 'vitest';
import { makeFrames } from '../../video/frames.ts';
import { consistency } from './consistency.ts';
import { paintedCount as count, grounds, paint, red, type Scene } from './testing.ts';

const of = (scene: Scene) => consistency(paint(scene), { grounds });

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
  expect(consistency(one, { grounds })).toEqual({ subject: 1, background: 1 });
});
