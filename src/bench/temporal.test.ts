/** The counterparts of VBench's dimensions, all together, on clips whose right answer is known. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { agreement, agreementShares, overallAgreement, readVocabulary, sceneAgreement } from '../api/metrics.ts';
import { blurred, noisy, paint, reordered, warmer } from '../metrics/agreement/testing.ts';
import type { Frames } from '../video/frames.ts';
import { temporalFigures } from './temporal.ts';

const vocabulary = readVocabulary(JSON.parse(readFileSync('models/demo/quantcache.json', 'utf8')).vocabulary);
const [red, green] = [vocabulary.palette.red!, vocabulary.palette.green!];
const figuresOf = (frames: Frames) => {
  const {
    subjectConsistency: subject,
    backgroundConsistency: background,
    ...others
  } = temporalFigures(frames, vocabulary);
  return {
    ...others,
    subject: subject!,
    background: background!,
    imaging: others.imagingQuality!,
    object: others.objectQuality!,
  };
};
/** Overall and scene agreement of clips with captions. */
const agreementOf = (pairs: readonly (readonly [Frames, string])[]) => {
  const shares = agreementShares(pairs.map(([frames, caption]) => agreement(frames, caption, vocabulary)));
  return { overall: overallAgreement(shares), scene: sceneAgreement(shares) };
};

const caption = 'a large red square moves right over a checkerboard';
const clip = paint({ background: 'checkerboard', left: (frame) => 4 + 4 * frame, edge: () => 26, colour: () => red });
const good = figuresOf(clip);

describe('a good clip', () => {
  it('is clean, consistent, moves, and shows what its caption says', () => {
    for (const name of ['subject', 'background', 'imaging', 'object'] as const)
      expect(good[name]).toBeGreaterThan(0.97);
    expect(good.dynamicDegree).toBeGreaterThan(0.03);
    expect(good.motionSmoothness).toBeGreaterThan(0.9);
    expect(agreementOf([[clip, caption]])).toEqual({ overall: 1, scene: 1 });
  });
});

describe('frozen', () => {
  const frozen = reordered(clip, () => 3);

  it('is as smooth, consistent and clean as can be, and gives itself away by its dynamic degree and its motion', () => {
    expect(figuresOf(frozen)).toMatchObject({ flicker: 0, motionSmoothness: 1, dynamicDegree: 0, background: 1 });
    expect(figuresOf(frozen).subject).toBeCloseTo(1, 12);
    expect(figuresOf(frozen).imaging).toBeCloseTo(good.imaging, 2);
    expect(agreementOf([[frozen, caption]])).toEqual({ overall: 0.8, scene: 1 });
  });
});

describe('reversed', () => {
  const reversed = reordered(clip, (i) => clip.count - 1 - i);

  it('is the same in every figure but the agreement with the motion', () => {
    for (const [name, value] of Object.entries(figuresOf(reversed)))
      expect(value, name).toBeCloseTo(good[name as keyof typeof good]!, 3);
    expect(agreementOf([[reversed, caption]])).toEqual({ overall: 0.8, scene: 1 });
    expect(agreementOf([[reversed, caption.replace('right', 'left')]])).toEqual({ overall: 1, scene: 1 });
  });
});

describe('noisy', () => {
  it('flickers more, moves less evenly and is worse drawn, the more so the more noise', () => {
    let before = good;
    for (const amplitude of [8, 16, 32]) {
      const now = figuresOf(noisy(clip, amplitude));
      expect(now.flicker).toBeGreaterThan(before.flicker + 1);
      for (const name of ['motionSmoothness', 'background', 'imaging', 'object'] as const)
        expect(now[name], name).toBeLessThan(before[name] - 0.003);
      before = now;
    }
    expect(agreementOf([[noisy(clip, 16), caption]])).toEqual({ overall: 1, scene: 1 });
  });
});

describe('blurred', () => {
  it('is worse in imaging quality alone', () => {
    const soft = figuresOf(blurred(clip, 2));
    expect(soft.imaging).toBeLessThan(good.imaging - 0.01);
    expect(soft.subject).toBeGreaterThan(0.97);
    expect(soft.background).toBeGreaterThan(0.97);
  });
});

describe('colour-shifted', () => {
  it('throughout, it stays consistent, but is no longer the world’s', () => {
    const shifted = figuresOf(warmer(clip, 25));
    expect(shifted.subject).toBeGreaterThan(0.97);
    expect(shifted.background).toBeGreaterThan(0.97);
    expect(shifted.flicker).toBeCloseTo(good.flicker, 0);
    expect(shifted.imaging).toBeLessThan(good.imaging - 0.04);
  });

  it('half way, the object is not the same subject and of no colour', () => {
    const scene = { background: 'checkerboard', left: (frame: number) => 4 + 4 * frame, edge: () => 26 };
    const half = figuresOf(paint({ ...scene, colour: (frame) => (frame < 4 ? red : green) }));
    expect(half.subject).toBeLessThan(0.9);
    expect(half.object).toBeLessThan(good.object - 0.1);
    expect(half.imaging).toBeCloseTo(good.imaging, 2);
  });

  it('to a colour that the world has not, the object is worse drawn, and light and shade are not held against it', () => {
    const painted = (...colour: [number, number, number]) =>
      figuresOf(paint({ left: (f) => 4 + 4 * f, colour: () => colour }));
    const [r, g, b] = red;
    expect(painted(r * 0.9, g * 0.9, b * 0.9).object).toBeGreaterThan(0.99);
    expect(painted(r, g + 90, b + 90).object).toBeLessThan(0.9);
  });
});

describe('swapped captions', () => {
  it('lower scene and overall agreement and nothing else', () => {
    const other = paint({ background: 'gray', left: (frame) => 36 - 4 * frame, edge: () => 12, colour: () => green });
    const otherCaption = 'a small green square moves left over a gray background';
    const right = agreementOf([
      [clip, caption],
      [other, otherCaption],
    ]);
    const swapped = agreementOf([
      [clip, otherCaption],
      [other, caption],
    ]);
    expect(right).toEqual({ overall: 1, scene: 1 });
    expect(swapped).toEqual({ overall: 0.2, scene: 0 }); // the shape is the same
  });
});

describe('empty', () => {
  it('has no subject and no object; without a vocabulary there is less to say', () => {
    expect(figuresOf(paint({ edge: () => 0 }))).toMatchObject({
      subject: 0,
      object: 0,
      background: 1,
      dynamicDegree: 0,
    });
    expect(Object.keys(temporalFigures(clip, undefined))).toEqual(['flicker', 'motionSmoothness', 'dynamicDegree']);
  });
});
