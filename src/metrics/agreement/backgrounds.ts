/**
 * The backgrounds of the demo world as `training/world.py` paints them, float32 operation by float32 operation, so that
 * a pixel at the reader's threshold falls on the same side in both languages.
 */
import { QuantCacheError } from '../../errors.ts';

/** Height and width of the world in pixels. */
export const worldSize = 64;

type Colour = readonly [number, number, number];
/** The colour of a pixel, its centre given in pixels from the upper left corner. */
type Painter = (x: number, y: number) => readonly number[];

const { fround } = Math;

/** Positions and brightness that numpy's `RandomState(7)` draws: x and y in pixels, brightness up to 1. */
const stars: readonly Colour[] = [
  [7.425880783689516, 48.235289949926646, 0.7753636925763574],
  [44.96098031419459, 59.72339169580295, 0.8153983481641734],
  [32.064986892276394, 7.1789657348661695, 0.7073755920407485],
  [31.993185047882477, 42.39533977501455, 0.9214956144417502],
  [25.09458572261523, 6.824308120542496, 0.7152582397231975],
  [55.75642460773759, 15.376350507635099, 0.7808495847270732],
  [57.00994914196326, 4.4441551979201845, 0.840219566985649],
  [58.10751102399145, 16.35756698321596, 0.8193959676944121],
  [55.72944574343041, 10.723827854036509, 0.8093650322695063],
  [46.52377182791802, 41.802767971267, 0.7871011438979922],
  [14.881247237272115, 31.464421567282084, 0.7489538757540236],
  [30.689266981392127, 24.221642375274392, 0.9351671977237043],
  [47.58155537813154, 21.211691278334406, 0.8290501330575816],
  [19.010844803180316, 29.264890087691224, 0.7411913463777579],
];

/** Colours in 0 to 255, by background. A new background of the world is a line here. */
const painters: Readonly<Record<string, Painter>> = {
  black: () => [14, 14, 18],
  gray: () => [118, 120, 124],
  blue: () => [40, 70, 170],
  sunset(_, y) {
    const down = y / worldSize;
    const horizon = fround(0.55);
    if (down < horizon) return blend([70, 40, 110], [225, 90, 100], fround(down / horizon));
    return blend([225, 90, 100], [255, 190, 110], fround(fround(down - horizon) / fround(0.45)));
  },
  checkerboard: (x, y) => blend([58, 60, 68], [132, 134, 142], (Math.floor(x / 8) + Math.floor(y / 8)) % 2),
  night(x, y) {
    const sky = blend([10, 12, 40], [40, 40, 95], y / worldSize);
    return stars.reduce((image, star) => {
      const light = starlight(star, x, y);
      return image.map((value) => fround(value + light));
    }, sky);
  },
};

function starlight([starX, starY, brightness]: Colour, x: number, y: number): number {
  const square = (distance: number) => fround(fround(distance) ** 2);
  const squared = fround(square(x - fround(starX)) + square(y - fround(starY)));
  const falloff = fround(Math.exp(fround(-squared / fround(1.6))));
  return fround(fround(falloff * 190) * fround(brightness));
}

function blend(first: Colour, second: Colour, weight: number): number[] {
  const rest = fround(1 - weight);
  return first.map((value, channel) => fround(fround(value * rest) + fround(second[channel]! * weight)));
}

const painted = new Map<string, Float32Array>();

/** A background as float32 `[height, width, 3]` in [0, 1]. Throws `invalid_option` for one that the world does not have. */
export function backgroundImage(name: string): Float32Array {
  const known = painted.get(name);
  if (known) return known;
  const paint = Object.hasOwn(painters, name) ? painters[name]! : undefined;
  if (!paint)
    throw new QuantCacheError(
      'invalid_option',
      `The attribute reader does not know the background "${name}"; it knows ${Object.keys(painters).join(', ')}.`,
    );
  const image = new Float32Array(worldSize * worldSize * 3);
  for (let y = 0; y < worldSize; y++)
    for (let x = 0; x < worldSize; x++) {
      const colour = paint(x + 0.5, y + 0.5).map((value) => Math.min(Math.max(value, 0), 255) / 255);
      image.set(colour, (y * worldSize + x) * 3);
    }
  painted.set(name, image);
  return image;
}
