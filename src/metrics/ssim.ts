/**
 * Structural similarity (Wang et al. 2004): mean over frames, channels and pixels of
 *   (2 mx my + C1)(2 cxy + C2) / ((mx^2 + my^2 + C1)(vx + vy + C2)),   C = (K range)^2, K1 = 0.01, K2 = 0.03,
 * with means, variances and covariance under a Gaussian window of 11 pixels, sigma 1.5. Equals scikit-image's
 * structural_similarity(gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255, channel_axis=-1)
 * of each frame: windows that reach over the border are left out.
 */
import { QuantCacheError } from '../errors.ts';
import { type Frames, frameAt } from '../video/frames.ts';
import { assertSameShape } from './comparable.ts';

const radius = 5;
const sigma = 1.5;
const c1 = (0.01 * 255) ** 2;
const c2 = (0.03 * 255) ** 2;

const gaussian = Array.from({ length: 2 * radius + 1 }, (_, i) => Math.exp(-((i - radius) ** 2) / (2 * sigma ** 2)));
const gaussianSum = gaussian.reduce((sum, weight) => sum + weight, 0);
const window = Float64Array.from(gaussian, (weight) => weight / gaussianSum);

/** SSIM of two clips: 1 for equal ones, about 0 for unrelated ones. Frames must be at least 11x11. */
export function ssim(reference: Frames, test: Frames): number {
  assertSameShape(reference, test);
  const { width, height, count } = reference;
  if (Math.min(width, height) < window.length)
    throw new QuantCacheError(
      'invalid_option',
      `SSIM needs frames of at least ${window.length}x${window.length}, but these are ${width}x${height}. Use PSNR for them.`,
    );
  let sum = 0;
  for (let index = 0; index < count; index++) {
    const x = frameAt(reference, index);
    const y = frameAt(test, index);
    for (let channel = 0; channel < 3; channel++) sum += planeSsim(plane(x, channel), plane(y, channel), width, height);
  }
  return sum / (count * 3);
}

function plane(rgb: Uint8Array, channel: number): Float64Array {
  const values = new Float64Array(rgb.length / 3);
  for (let i = 0; i < values.length; i++) values[i] = rgb[i * 3 + channel]!;
  return values;
}

function planeSsim(x: Float64Array, y: Float64Array, width: number, height: number): number {
  const meanX = blur(x, width, height);
  const meanY = blur(y, width, height);
  const meanXX = blur(product(x, x), width, height);
  const meanYY = blur(product(y, y), width, height);
  const meanXY = blur(product(x, y), width, height);
  let sum = 0;
  for (let i = 0; i < meanX.length; i++) {
    const mx = meanX[i]!;
    const my = meanY[i]!;
    const varianceX = meanXX[i]! - mx * mx;
    const varianceY = meanYY[i]! - my * my;
    const covariance = meanXY[i]! - mx * my;
    sum += ((2 * mx * my + c1) * (2 * covariance + c2)) / ((mx * mx + my * my + c1) * (varianceX + varianceY + c2));
  }
  return sum / meanX.length;
}

function product(a: Float64Array, b: Float64Array): Float64Array {
  const result = new Float64Array(a.length);
  for (let i = 0; i < a.length; i++) result[i] = a[i]! * b[i]!;
  return result;
}

/** Gaussian means where the whole window fits: [height, width] -> [height - 10, width - 10]. */
function blur(values: Float64Array, width: number, height: number): Float64Array {
  const innerWidth = width - 2 * radius;
  const innerHeight = height - 2 * radius;
  const rows = new Float64Array(innerWidth * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < innerWidth; x++) rows[y * innerWidth + x] = weigh(values, y * width + x, 1);
  const result = new Float64Array(innerWidth * innerHeight);
  for (let i = 0; i < result.length; i++) result[i] = weigh(rows, i, innerWidth);
  return result;
}

function weigh(values: Float64Array, start: number, step: number): number {
  let sum = 0;
  for (let i = 0; i < window.length; i++) sum += window[i]! * values[start + i * step]!;
  return sum;
}
