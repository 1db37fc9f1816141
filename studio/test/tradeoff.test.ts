import { expect, test } from 'vitest';
import { equalDecibels, psnr } from '../src/components/comparison/fidelity.ts';
import { placeLabels } from '../src/components/tradeoff/labels.ts';
import { scale, speedTicks, ticks } from '../src/components/tradeoff/scale.ts';

const area = { left: 0, top: 0, right: 400, bottom: 200 };

test('names stand beside their points and never on each other', () => {
  const labels = placeLabels(
    [
      { x: 50, y: 100, width: 60 },
      { x: 140, y: 100, width: 60 },
      { x: 390, y: 100, width: 60 },
    ],
    area,
  );
  expect(labels[0]).toMatchObject({ anchor: 'start' });
  expect(labels[2]).toMatchObject({ anchor: 'end' });
});

test('a name without room is left out', () => {
  const crowd = Array.from({ length: 12 }, (_, i) => ({ x: 100 + i, y: 100, width: 90 }));
  const labels = placeLabels(crowd, area);
  expect(labels.filter(Boolean).length).toBeLessThan(crowd.length);
});

test('axes have few round marks', () => {
  expect(ticks(22, 51)).toEqual([30, 40, 50]);
  expect(speedTicks(0.9, 14)).toEqual([1, 2, 5, 10, 3]);
  expect(scale([1, 4], [0, 100], true)(2)).toBeCloseTo(50);
});

test('equal pictures are identical, others have the ratio of their mean squared error, alpha left out', () => {
  const grey = new Uint8ClampedArray([100, 100, 100, 255]);
  expect(psnr(grey, grey)).toBe(equalDecibels);
  expect(psnr(grey, new Uint8ClampedArray([110, 100, 100, 0]))).toBeCloseTo(10 * Math.log10(255 ** 2 / (100 / 3)));
});
