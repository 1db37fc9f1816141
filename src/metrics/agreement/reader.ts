/**
 * The attribute reader: shape, colour, size, motion and background of a finished clip of the demo world, from its pixels
 * alone, without any learned part. The same algorithm as `training/reader.py`, whose constants stand here; both agree on
 * `training/fixtures/reader.safetensors`. It takes at least 99% of real renders for what they are.
 *
 *   background   the known background with the smallest clipped difference
 *   mask         pixels that differ from it, smoothed by a majority
 *   colour       median of each channel over the object's inner pixels, nearest entry of the palette
 *   shape        the strongest moment of its outline, see `outline.ts`
 *   size         radius from the area, given the shape
 *   motion       see `motion.ts`
 */
import { QuantCacheError } from '../../errors.ts';
import type { Frames } from '../../video/frames.ts';
import { worldSize } from './backgrounds.ts';
import { erode, nearestBackground, objectMasks } from './mask.ts';
import { motionOf } from './motion.ts';
import { type AngularShape, angularShapes, type Outline, outlineOf } from './outline.ts';
import type { Attributes, Vocabulary } from './vocabulary.ts';

/** Pixels; frames that show less of an object are left out. */
const minimumArea = 10;
/** The share of frames that must show an object. */
const leastSeen = 0.6;
/** Inner pixels, all frames together, that suffice to tell the colour. */
const enoughInnerPixels = 30;
/** The moment of each shape's order on ideal renders. */
const idealMoments = { triangle: 0.63, square: 0.4, star: 0.76 } as const;
/** Where all moments are below this share of their ideal value, the shape is a circle. */
const round = 0.45;
/** Area / radius^2, growing and shrinking clips included. */
const fill = { circle: 2.88, square: 2.94, triangle: 1.82, star: 1.95 } as const;
/** A mean radius in pixels below this is small. */
const small = 12.5;

/** What a clip shows; an attribute is absent where nothing can be made out. Frames must be 64x64. */
export function readAttributes(frames: Frames, vocabulary: Vocabulary): Partial<Attributes> {
  const { width, height, count } = frames;
  if (width !== worldSize || height !== worldSize)
    throw new QuantCacheError(
      'invalid_option',
      `The attribute reader judges clips of ${worldSize}x${worldSize} pixels, but this one is ${width}x${height}.`,
    );
  const background = nearestBackground(frames, Object.keys(vocabulary.backgrounds));
  const masks = objectMasks(frames, background).map((mask, frame) => ({ mask, frame }));
  const seen = masks.filter(({ mask }) => countOf(mask) >= minimumArea);
  if (seen.length < leastSeen * count) return { background };
  const outlines = seen.map(({ mask }) => outlineOf(mask, width));
  const angular = angularShapeOf(outlines);
  const shape = angular ?? 'circle';
  const radius = outlines.reduce((sum, { area }) => sum + Math.sqrt(area / fill[shape]), 0) / outlines.length;
  return {
    shape,
    colour: colourOf(frames, seen, vocabulary.palette),
    size: radius < small ? 'small' : 'large',
    motion: motionOf(outlines, angular),
    background,
  };
}

const countOf = (mask: Uint8Array): number => mask.reduce((sum, value) => sum + value, 0);

/** The shape whose moment is strongest compared with its ideal, the frames weighed by area; undefined for a circle. */
function angularShapeOf(outlines: readonly Outline[]): AngularShape | undefined {
  const total = outlines.reduce((sum, { area }) => sum + area, 0);
  const strengths = angularShapes.map((shape) => {
    const moment = ({ moments: { [shape]: m }, area }: Outline) => Math.hypot(m.re, m.im) * area;
    return outlines.reduce((sum, outline) => sum + moment(outline), 0) / total / idealMoments[shape];
  });
  const strongest = Math.max(...strengths);
  return strongest > round ? angularShapes[strengths.indexOf(strongest)] : undefined;
}

interface SeenMask {
  readonly mask: Uint8Array;
  readonly frame: number;
}

function colourOf(frames: Frames, seen: readonly SeenMask[], palette: Vocabulary['palette']): string {
  const inner = seen.map(({ mask, frame }) => ({ mask: erode(mask, frames.width), frame }));
  const enough = inner.reduce((sum, { mask }) => sum + countOf(mask), 0) >= enoughInnerPixels;
  const middle = medianColour(frames, enough ? inner : seen);
  const distance = (colour: readonly number[]) =>
    colour.reduce((sum, value, channel) => sum + (value - middle[channel]!) ** 2, 0);
  const names = Object.keys(palette);
  const distances = names.map((name) => distance(palette[name]!));
  return names[distances.indexOf(Math.min(...distances))]!;
}

/** The median of each channel over all masked pixels, 0 to 255. */
function medianColour({ data, width, height }: Frames, masks: readonly SeenMask[]): number[] {
  return [0, 1, 2].map((channel) => {
    const histogram = new Uint32Array(256);
    let count = 0;
    for (const { mask, frame } of masks)
      for (let pixel = 0; pixel < mask.length; pixel++) {
        if (!mask[pixel]) continue;
        histogram[data[(frame * width * height + pixel) * 3 + channel]!]!++;
        count++;
      }
    return (valueAt(histogram, Math.floor((count - 1) / 2)) + valueAt(histogram, Math.floor(count / 2))) / 2;
  });
}

/** The value at a rank, counted from 0 at the smallest. */
function valueAt(histogram: Uint32Array, rank: number): number {
  let below = 0;
  return histogram.findIndex((count) => {
    below += count;
    return below > rank;
  });
}
