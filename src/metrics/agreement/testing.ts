/** Painted clips for the tests of metrics: a square over a background of the demo world, changed as a test asks. */
import { type Frames, frameAt, makeFrames } from '../../video/frames.ts';
import { worldSize } from './mask.ts';
import type { Vocabulary } from './vocabulary.ts';

type Colour = readonly [number, number, number];
export const red: Colour = [220, 50, 50];

/** Frames of a painted clip. */
export const paintedCount = 8;

/** Colours of the demo world's backgrounds, of which painted ones are made in squares. */
export const grounds: Vocabulary['grounds'] = {
  black: [[14, 14, 18]],
  gray: [[118, 120, 124]],
  blue: [[40, 70, 170]],
  sunset: [
    [225, 90, 100],
    [255, 190, 110],
  ],
  checkerboard: [
    [53, 55, 63],
    [140, 142, 151],
  ],
};

export interface Scene {
  readonly background?: string;
  /** Left end, and edge, of the square in a frame. */
  readonly left?: (frame: number) => number;
  readonly edge?: (frame: number) => number;
  readonly colour?: (frame: number) => Colour;
  /** Added to every byte of the background of a frame. */
  readonly light?: (frame: number) => number;
}

/** A square over a background of the world. */
export function paint({
  background = 'gray',
  left = () => 10,
  edge = () => 20,
  colour = () => red,
  light,
}: Scene): Frames {
  const image = backgroundOf(grounds[background]!);
  const data = new Uint8Array(paintedCount * image.length);
  for (let frame = 0; frame < paintedCount; frame++) {
    for (const [i, value] of image.entries()) {
      const pixel = Math.floor(i / 3);
      const [x, y] = [pixel % worldSize, Math.floor(pixel / worldSize)];
      const inside = x >= left(frame) && x < left(frame) + edge(frame) && y >= 20 && y < 20 + edge(frame);
      data[frame * image.length + i] = inside ? colour(frame)[i % 3]! : value + (light?.(frame) ?? 0);
    }
  }
  return makeFrames(data, { count: paintedCount, height: worldSize, width: worldSize, fps: 8 });
}

/** Squares of 8 pixels in turn in each of the colours, bytes [height, width, 3]. */
function backgroundOf(colours: readonly Colour[]): Uint8Array {
  const image = new Uint8Array(worldSize * worldSize * 3);
  for (let pixel = 0; pixel < worldSize * worldSize; pixel++) {
    const square = Math.floor((pixel % worldSize) / 8) + Math.floor(pixel / worldSize / 8);
    image.set(colours[square % colours.length]!, pixel * 3);
  }
  return image;
}

/** A clip with other bytes; `change` gets a byte and its place. */
export function changed(frames: Frames, change: (byte: number, at: number) => number): Frames {
  const data = Uint8ClampedArray.from(frames.data, change);
  return makeFrames(new Uint8Array(data.buffer), frames);
}

/** The same noise for every amplitude, uniform, up to `amplitude` levels of 255 on both sides. */
export const noisy = (frames: Frames, amplitude: number): Frames =>
  changed(frames, (byte, at) => byte + amplitude * ((Math.imul(at + 1, 2654435761) >>> 16) / 2 ** 15 - 1));

/** More red and less blue, by so many levels of 255. */
export const warmer = (frames: Frames, levels: number): Frames =>
  changed(frames, (byte, at) => byte + [levels, 0, -levels][at % 3]!);

/** Every frame averaged over squares of 2 `radius` + 1 pixels, smaller ones at the border. */
export function blurred(frames: Frames, radius: number): Frames {
  const { width, height, data } = frames;
  const offsets = Array.from({ length: 2 * radius + 1 }, (_, i) => i - radius);
  return changed(frames, (_, at) => {
    const [x, y] = [Math.floor(at / 3) % width, Math.floor(at / 3 / width) % height];
    const around = offsets.flatMap((dy) => offsets.map((dx) => [dx, dy] as const));
    const inside = around.filter(([dx, dy]) => x + dx >= 0 && x + dx < width && y + dy >= 0 && y + dy < height);
    return inside.reduce((sum, [dx, dy]) => sum + data[at + (dy * width + dx) * 3]!, 0) / inside.length;
  });
}

/** The frames of a clip in another order. */
export function reordered(frames: Frames, order: (index: number) => number): Frames {
  const data = new Uint8Array(frames.data.length);
  for (let i = 0; i < frames.count; i++) data.set(frameAt(frames, order(i)), i * (data.length / frames.count));
  return makeFrames(data, frames);
}
