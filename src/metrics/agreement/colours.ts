/** Colours of things: the nearest entry of the palette, of a pixel and of all pixels of a mask together. */
import type { Frames } from '../../video/frames.ts';
import { areaOf, eroded } from './mask.ts';
import type { Vocabulary } from './vocabulary.ts';

/** Inner pixels, all frames together, that suffice to tell the colour. */
const enoughInnerPixels = 30;

type Palette = Vocabulary['palette'];

/** The entry of the palette that is nearest to a colour, 0 to 255. */
function nearestName(palette: Palette, colour: readonly number[]): string {
  const names = Object.keys(palette);
  const distances = names.map((name) =>
    colour.reduce((sum, value, channel) => sum + (value - palette[name]![channel]!) ** 2, 0),
  );
  return names[distances.indexOf(Math.min(...distances))]!;
}

/** The part of a frame's mask whose pixels are nearest to one entry of the palette. */
export function maskOfColour({ data }: Frames, mask: Uint8Array, frame: number, palette: Palette, name: string) {
  return mask.map((own, pixel) => {
    if (!own) return 0;
    const start = (frame * mask.length + pixel) * 3;
    return nearestName(palette, [data[start]!, data[start + 1]!, data[start + 2]!]) === name ? 1 : 0;
  });
}

/** The colour of what the masks of some frames show, their inner pixels if there are enough of them. */
export function colourOf(frames: Frames, masks: readonly SeenMask[], palette: Palette): string {
  const inner = masks.map(({ mask, frame }) => ({ mask: eroded(mask, frames.width), frame }));
  const enough = inner.reduce((sum, { mask }) => sum + areaOf(mask), 0) >= enoughInnerPixels;
  return nearestName(palette, medianColour(frames, enough ? inner : masks));
}

export interface SeenMask {
  readonly mask: Uint8Array;
  readonly frame: number;
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
