/**
 * RGB to planar YUV 4:2:0, the only pixel format that every H.264 and VP9 player shows.
 * BT.601 limited range with rounding and the mean of each 2x2 block as its chroma. Our own because the encoder's RGBA
 * path truncates: on a synthetic scene it loses 4 dB in red. 4:2:0 needs even sizes: an odd width or height grows by
 * one pixel, a copy of the last column or row.
 */
import { type Frames, frameAt } from './frames.ts';

/** How the planes are to be read back; written into the container so that players need not guess. */
export const yuvColorSpace = {
  primaries: 'smpte170m',
  transfer: 'smpte170m',
  matrix: 'smpte170m',
  fullRange: false,
} as const satisfies VideoColorSpaceInit;

/** A size rounded up to the next even number. */
export function evenSize(size: number): number {
  return size + (size % 2);
}

/** One frame as I420: luma [H, W], then both chroma planes [H/2, W/2], with H and W rounded up to even. */
export function frameToI420(frames: Frames, index: number): Uint8Array {
  const rgb = frameAt(frames, index);
  const width = evenSize(frames.width);
  const height = evenSize(frames.height);
  const planes = new Uint8Array((width * height * 3) / 2);
  let chroma = width * height;
  const chromaSize = (width * height) / 4;
  for (let y = 0; y < height; y += 2) {
    for (let x = 0; x < width; x += 2) {
      let red = 0;
      let green = 0;
      let blue = 0;
      for (let corner = 0; corner < 4; corner++) {
        const row = y + (corner >> 1);
        const column = x + (corner & 1);
        const at = (Math.min(row, frames.height - 1) * frames.width + Math.min(column, frames.width - 1)) * 3;
        const r = rgb[at]!;
        const g = rgb[at + 1]!;
        const b = rgb[at + 2]!;
        planes[row * width + column] = 16.5 + (65.481 * r + 128.553 * g + 24.966 * b) / 255;
        red += r;
        green += g;
        blue += b;
      }
      // 1020 = 4 pixels x 255; + 0.5 rounds, storing truncates
      planes[chroma] = 128.5 + (-37.797 * red - 74.203 * green + 112 * blue) / 1020;
      planes[chroma + chromaSize] = 128.5 + (112 * red - 93.786 * green - 18.214 * blue) / 1020;
      chroma++;
    }
  }
  return planes;
}
