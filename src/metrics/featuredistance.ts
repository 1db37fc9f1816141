/**
 * Feature distance: how different two clips look to the encoder of the model's own VAE. LPIPS (Zhang et al. 2018,
 * arXiv 1801.03924) with another network and without learned weights, so its numbers are not LPIPS's:
 *   mean over layers, frames and positions of |u - v|^2,   u = f / |f|, v = g / |g|,
 * where f and g are the two clips' channels at one position of one layer. 0 for equal clips, 4 at most.
 */
import type { Clip } from '../clip.ts';
import { QuantCacheError } from '../errors.ts';

/** Layers of a few frames at a time, in order, as `Pipeline.features` gives them. */
export type Features = AsyncIterable<readonly Clip[]>;

/** As in LPIPS: keeps a position without any feature from being divided by zero. */
const epsilon = 1e-10;

/** The distance of two clips of the same shape; symmetric. Throws `invalid_option` for different shapes. */
export async function featureDistance(reference: Features, test: Features): Promise<number> {
  const others = test[Symbol.asyncIterator]();
  let sum = 0;
  let frames = 0;
  for await (const layers of reference) {
    const other = (await others.next()).value as readonly Clip[] | undefined;
    assertSameLayers(layers, other);
    sum += layers.reduce((total, layer, i) => total + layerDistance(layer, other[i]!) / layers.length, 0);
    frames += layers[0]!.frames;
  }
  if (frames === 0 || !(await others.next()).done) throw differentClips();
  return sum / frames;
}

/** The distance of one layer: mean over positions, summed over frames. */
function layerDistance(f: Clip, g: Clip): number {
  const plane = f.frames * f.height * f.width;
  const [ff, fg, gg] = [new Float64Array(plane), new Float64Array(plane), new Float64Array(plane)];
  for (let start = 0; start < f.data.length; start += plane) {
    for (let i = 0; i < plane; i++) {
      const a = f.data[start + i]!;
      const b = g.data[start + i]!;
      ff[i]! += a * a;
      fg[i]! += a * b;
      gg[i]! += b * b;
    }
  }
  let sum = 0;
  for (let i = 0; i < plane; i++) {
    const [u, v] = [Math.sqrt(ff[i]!) + epsilon, Math.sqrt(gg[i]!) + epsilon];
    sum += Math.max(0, ff[i]! / (u * u) - (2 * fg[i]!) / (u * v) + gg[i]! / (v * v)); // rounding may go below 0
  }
  return sum / (f.height * f.width);
}

function assertSameLayers(layers: readonly Clip[], other: readonly Clip[] | undefined): asserts other {
  const shape = ({ channels, frames, height, width }: Clip) => [channels, frames, height, width].join('x');
  if (other && layers.length > 0 && layers.map(shape).join() === other.map(shape).join()) return;
  throw differentClips();
}

const differentClips = (): QuantCacheError =>
  new QuantCacheError(
    'invalid_option',
    'Cannot compare the features of these clips: make both with the same size and number of frames, at least one.',
  );
