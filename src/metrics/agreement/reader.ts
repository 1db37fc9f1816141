/**
 * The attribute reader: shape, colour, size, motion and background of a finished clip of the demo world, from its pixels
 * alone, without any learned part. The same algorithm as `training/reader.py`; both agree on the clips of
 * `training/fixtures`. It takes at least 98% of real renders for what they are.
 *
 *   background   the one whose colours the pixels are nearest to, see `mask.ts`
 *   mask         what is not of these colours, without what is smaller than 3x3 pixels
 *   colour       median of each channel over the object's inner pixels, nearest entry of the palette
 *   shape        the strongest moment of its outline, see `outline.ts`
 *   size         radius from the area, given the shape
 *   motion       see `motion.ts`
 *
 * Of two objects, each is what has the colour that the caption gives it. Frames in which the two touch tell places only,
 * as long as there are enough others.
 */
import { QuantCacheError } from '../../errors.ts';
import type { Frames } from '../../video/frames.ts';
import { colourOf, maskOfColour } from './colours.ts';
import { areaOf, dilated, opened, segment, worldSize } from './mask.ts';
import { describeObject, type ObjectView } from './object.ts';
import type { Attributes, Vocabulary } from './vocabulary.ts';

/** Pixels; frames that show less of an object are left out. */
const minimumArea = 10;
/** The share of frames that must show an object. */
const leastSeen = 0.6;
/** Frames in which two objects are apart, from which on only those tell what they are. */
const enoughApart = 8;
/** A radius in pixels below this is small; two objects in one frame are drawn smaller. */
const small = { alone: 12.5, crowded: 10 } as const;

/** What a clip shows of one thing; an attribute is absent where nothing can be made out. */
export type Shown = Partial<Attributes>;

/** Whether clips of a size can be read. */
export const canRead = ({ width, height }: { readonly width: number; readonly height: number }): boolean =>
  width === worldSize && height === worldSize;

/**
 * What a clip of the demo world shows. `colours`: those of the things to look for, from the caption; of a single thing the
 * colour is read, too. Frames must be 64x64.
 */
export function readAttributes(
  frames: Frames,
  vocabulary: Vocabulary,
  colours: readonly string[] = ['any'],
): readonly Shown[] {
  const { width, height } = frames;
  if (!canRead(frames))
    throw new QuantCacheError(
      'invalid_option',
      `The attribute reader judges clips of ${worldSize}x${worldSize} pixels, but this one is ${width}x${height}.`,
    );
  const { background, masks } = segment(frames, vocabulary.grounds);
  return colours.length === 1
    ? [readOne(frames, masks, background, vocabulary)]
    : readTwo(frames, masks, background, vocabulary, colours);
}

function readOne(frames: Frames, masks: readonly Uint8Array[], background: string, vocabulary: Vocabulary): Shown {
  const seen = seenIn(masks);
  if (!seen) return { background };
  const views = seen.map(({ mask }) => ({ mask, apart: true }));
  return {
    ...describeObject(views, worldSize, small.alone),
    colour: colourOf(frames, seen, vocabulary.palette),
    background,
  };
}

function readTwo(
  frames: Frames,
  masks: readonly Uint8Array[],
  background: string,
  { palette }: Vocabulary,
  colours: readonly string[],
): Shown[] {
  const own = colours.map((colour) =>
    masks.map((mask, frame) => opened(maskOfColour(frames, mask, frame, palette, colour), worldSize)),
  );
  const apart = masks.map((_, frame) => !touch(own[0]![frame]!, own[1]![frame]!));
  return own.map((masksOfThing, thing) => {
    const seen = seenIn(masksOfThing);
    if (!seen) return { background };
    const views: ObjectView[] = seen.map(({ mask, frame }) => ({ mask, apart: apart[frame]! }));
    const enough = views.filter((view) => view.apart).length >= enoughApart;
    const usable = enough ? views : views.map(({ mask }) => ({ mask, apart: true }));
    return { ...describeObject(usable, worldSize, small.crowded), colour: colours[thing]!, background };
  });
}

/** Whether two masks come within three pixels of each other. */
function touch(one: Uint8Array, other: Uint8Array): boolean {
  const wide = dilated(dilated(one, worldSize), worldSize);
  const near = dilated(other, worldSize);
  return wide.some((value, pixel) => value && near[pixel]);
}

/** The frames that show enough of an object, undefined where those are too few. */
function seenIn(masks: readonly Uint8Array[]) {
  const seen = masks.map((mask, frame) => ({ mask, frame })).filter(({ mask }) => areaOf(mask) >= minimumArea);
  return seen.length >= leastSeen * masks.length ? seen : undefined;
}
