/** How an object moves: from the path of its centroid, its growth and its rotation. */

/** Pixels that the centroid covers in a clip that moves. */
const moves = 8;
/** Logarithm of the ratio of areas from which a clip grows or shrinks. */
const growth = 0.9;
/** Radians from which an object spins. */
const turn = 0.5;
/** The share of the range that a one-way motion covers from start to end. */
const steady = 0.6;

/**
 * The name of the motion, or undefined where it is none of the world's.
 * `grown`: logarithm of the area at the end over that at the start; `turned`: radians, without sign.
 */
export function motionOf(
  path: readonly { readonly x: number; readonly y: number }[],
  grown: number,
  turned: number,
): string | undefined {
  const [x, y] = [travelOf(path.map((place) => place.x)), travelOf(path.map((place) => place.y))];
  const [less, more] = x.range < y.range ? [x, y] : [y, x];
  if (more.range > moves) {
    if (less.range > 0.5 * more.range) return 'orbits';
    const oneWay = Math.abs(more.net) >= steady * more.range;
    if (more === y && !oneWay) return 'bounces';
    if (more === y) return more.net > 0 ? 'down' : 'up';
    if (!oneWay) return undefined;
    return more.net > 0 ? 'right' : 'left';
  }
  if (Math.abs(grown) > growth) return grown > 0 ? 'grows' : 'shrinks';
  return turned > turn ? 'spins' : 'still';
}

/** How far values come from start to end, three frames averaged, and how far they range. */
function travelOf(values: readonly number[]) {
  const mean = (some: readonly number[]) => some.reduce((sum, value) => sum + value, 0) / some.length;
  const net = mean(values.slice(-3)) - mean(values.slice(0, 3));
  return { net, range: Math.max(...values) - Math.min(...values) };
}
