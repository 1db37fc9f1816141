/**
 * Bicubic resampling and resize-to-fill of 8-bit RGB pictures, bit for bit as Pillow (Resample.c, Image.BICUBIC) and as
 * Open-Sora's `resize_crop_to_fill`. Our own because other libraries, sharp included, round and shrink differently, and
 * a reference picture that differs is another conditioning.
 */

/** An 8-bit RGB picture: `data` is [height, width, 3]. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** Resizes to cover `width` x `height`, keeping the aspect ratio, and crops the centre. */
export function resizeToFill(picture: Picture, width: number, height: number): Picture {
  const ratioHeight = height / picture.height;
  const ratioWidth = width / picture.width;
  const tall = ratioHeight > ratioWidth;
  const fullWidth = tall ? roundHalfEven(picture.width * ratioHeight) : width;
  const fullHeight = tall ? height : roundHalfEven(picture.height * ratioWidth);
  const left = roundHalfEven((fullWidth - width) / 2);
  const top = roundHalfEven((fullHeight - height) / 2);
  return resizePart(
    picture,
    { from: picture.width, to: fullWidth, start: left, count: width },
    { from: picture.height, to: fullHeight, start: top, count: height },
  );
}

/** Resizes to exactly `width` x `height`: rows first, then columns, rounding to 8 bits in between. */
export function resizeBicubic(picture: Picture, width: number, height: number): Picture {
  return resizePart(
    picture,
    { from: picture.width, to: width, start: 0, count: width },
    { from: picture.height, to: height, start: 0, count: height },
  );
}

/** One direction of a resize from so many samples to so many, and the part of the result that is wanted. */
interface Axis {
  readonly from: number;
  readonly to: number;
  readonly start: number;
  readonly count: number;
}

/**
 * Part of a resized picture. Only what the part follows from is computed, so that a sliver whose other side becomes a
 * thousand times longer takes no more memory than what is kept of it.
 */
function resizePart(picture: Picture, x: Axis, y: Axis): Picture {
  const rows = samplesFor(y);
  const stride = picture.width * 3;
  let data = picture.data.subarray(rows.first * stride, rows.end * stride);
  const lines = rows.end - rows.first;
  data = resample(data, { lines, lineStep: stride, step: 3, offset: 0 }, x, true);
  data = resample(data, { lines: x.count, lineStep: 3, step: x.count * 3, offset: rows.first }, y, false);
  return { width: x.count, height: y.count, data };
}

/** The input samples that a part of the output follows from. */
function samplesFor({ from, to, start, count }: Axis): { first: number; end: number } {
  if (from === to) return { first: start, end: start + count };
  const last = weightsOf(start + count - 1, from, to);
  return { first: weightsOf(start, from, to).first, end: last.first + last.weights.length };
}

/** Where the samples of parallel lines lie in memory; the first `offset` samples of each are not there. */
interface Lines {
  readonly lines: number;
  readonly lineStep: number;
  readonly step: number;
  readonly offset: number;
}

function resample(data: Uint8Array, layout: Lines, axis: Axis, horizontal: boolean): Uint8Array {
  const { lines, lineStep, step, offset } = layout;
  const { from, to: full, start, count: to } = axis;
  if (from === full && start === offset && from === to + offset) return data;
  const result = new Uint8Array(lines * to * 3);
  for (let out = 0; out < to; out++) {
    const { first, weights } = from === full ? copyOf(start + out) : weightsOf(start + out, from, full);
    for (let line = 0; line < lines; line++) {
      const target = horizontal ? (line * to + out) * 3 : (out * lines + line) * 3;
      for (let channel = 0; channel < 3; channel++) {
        let at = line * lineStep + (first - offset) * step + channel;
        let sum = half;
        for (let i = 0; i < weights.length; i++, at += step) sum += data[at]! * weights[i]!;
        result[target + channel] = Math.min(255, Math.max(0, sum >> precisionBits));
      }
    }
  }
  return result;
}

/** Pillow's fixed point: weights are integers in units of 2^-22. */
const precisionBits = 22;
const half = 1 << (precisionBits - 1);

/** The input samples that make up output sample `out`, and their weights; shrinking widens the kernel (antialiasing). */
function weightsOf(out: number, from: number, to: number): { first: number; weights: Int32Array } {
  const scale = from / to;
  const stretch = Math.max(scale, 1);
  const centre = (out + 0.5) * scale;
  const first = Math.max(0, Math.trunc(centre - 2 * stretch + 0.5));
  const end = Math.min(from, Math.trunc(centre + 2 * stretch + 0.5));
  const weights = Array.from({ length: end - first }, (_, i) => cubic((first + i - centre + 0.5) * (1 / stretch)));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return {
    first,
    weights: Int32Array.from(weights, (weight) => {
      const fixed = weight * (1 / total) * 2 ** precisionBits;
      return Math.trunc(fixed < 0 ? fixed - 0.5 : fixed + 0.5);
    }),
  };
}

/** One sample as it is, in a direction whose length stays. */
const copyOf = (sample: number) => ({ first: sample, weights: Int32Array.of(2 ** precisionBits) });

/** The cubic convolution kernel with a = -0.5 (Keys 1981, equation 8). */
function cubic(distance: number): number {
  const a = -0.5;
  const x = Math.abs(distance);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

/** Python's `round`: halves go to the even neighbour. */
function roundHalfEven(value: number): number {
  const rounded = Math.round(value);
  return value % 1 === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}
