/** How an object moves, from its outlines over time: path of the centroid, change of area, rotation of the moment. */
import { type AngularShape, angleBetween, type Outline, orders } from './outline.ts';

/** Pixels that the centroid covers in a clip that moves. */
const moves = 8;
/** Logarithm of the ratio of areas from which a clip grows or shrinks. */
const growth = 0.9;
/** Radians from which an object spins. */
const turn = 0.5;
/** The share of the range that a one-way motion covers from start to end. */
const steady = 0.6;

/** The name of the motion, or undefined where it is none of the world's. `angular` is absent for a circle. */
export function motionOf(outlines: readonly Outline[], angular: AngularShape | undefined): string | undefined {
  const [x, y] = [travelOf(outlines.map((outline) => outline.x)), travelOf(outlines.map((outline) => outline.y))];
  const [less, more] = x.range < y.range ? [x, y] : [y, x];
  if (more.range > moves) {
    if (less.range > 0.5 * more.range) return 'orbits';
    const oneWay = Math.abs(more.net) >= steady * more.range;
    if (more === y && !oneWay) return 'bounces';
    if (more === y) return more.net > 0 ? 'down' : 'up';
    if (!oneWay) return undefined;
    return more.net > 0 ? 'right' : 'left';
  }
  const { first, last } = travelOf(outlines.map(({ area }) => area));
  const grown = Math.log(last / first);
  if (Math.abs(grown) > growth) return grown > 0 ? 'grows' : 'shrinks';
  return angular && turned(outlines, angular) > turn ? 'spins' : 'still';
}

/** Radians turned from the first frame to the last. */
function turned(outlines: readonly Outline[], angular: AngularShape): number {
  const moments = outlines.map((outline) => outline.moments[angular]);
  const angles = moments.slice(1).map((moment, i) => angleBetween(moments[i]!, moment));
  return Math.abs(angles.reduce((sum, angle) => sum + angle, 0)) / orders[angular];
}

/** Where values begin and end, three frames averaged, and how far they range. */
function travelOf(values: readonly number[]) {
  const mean = (some: readonly number[]) => some.reduce((sum, value) => sum + value, 0) / some.length;
  const [first, last] = [mean(values.slice(0, 3)), mean(values.slice(-3))];
  return { first, last, net: last - first, range: Math.max(...values) - Math.min(...values) };
}
