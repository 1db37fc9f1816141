/** Shape, size and motion of one object from its masks over time. */
import { motionOf } from './motion.ts';
import { type AngularShape, angleBetween, angularShapes, type Outline, orders, outlineOf } from './outline.ts';

/** The moment of each shape's order on ideal renders. */
const idealMoments = { triangle: 0.63, square: 0.4, star: 0.76 } as const;
/** Where all moments are below this share of their ideal value, the shape is a circle. */
const round = 0.45;
/** Area / radius^2, growing and shrinking clips included. */
const fill = { circle: 2.88, square: 2.94, triangle: 1.82, star: 1.95 } as const;

/** An object in one frame; `apart`: nothing hides it there. */
export interface ObjectView {
  readonly mask: Uint8Array;
  readonly apart: boolean;
}

/**
 * What an object is and does. Only frames in which it is apart tell shape, size, growth and rotation; there must be one.
 * `small`: the radius in pixels below which it is small.
 */
export function describeObject(views: readonly ObjectView[], width: number, small: number) {
  const outlines = views.map(({ mask, apart }, i) => ({
    ...outlineOf(mask, width),
    apart,
    time: i / Math.max(views.length - 1, 1) - 0.5,
  }));
  const clear = outlines.filter(({ apart }) => apart);
  const { angular, shape } = shapeOf(clear);
  const { middle, slope } = lineThrough(clear.map(({ time, area }) => [time, Math.log(area)]));
  const turned = shape === 'circle' ? 0 : turnOf(outlines, angular);
  return {
    shape,
    size: Math.sqrt(Math.exp(middle) / fill[shape]) < small ? 'small' : 'large',
    motion: motionOf(outlines, slope, turned),
  };
}

/** The shape whose moment is strongest compared with its ideal, the frames weighed by area. */
function shapeOf(outlines: readonly Outline[]): { angular: AngularShape; shape: AngularShape | 'circle' } {
  const total = outlines.reduce((sum, { area }) => sum + area, 0);
  const strengths = angularShapes.map((shape) => {
    const moment = ({ moments: { [shape]: m }, area }: Outline) => Math.hypot(m.re, m.im) * area;
    return outlines.reduce((sum, outline) => sum + moment(outline), 0) / total / idealMoments[shape];
  });
  const strongest = Math.max(...strengths);
  const angular = angularShapes[strengths.indexOf(strongest)]!;
  return { angular, shape: strongest > round ? angular : 'circle' };
}

/** Radians turned in all, over neighbouring frames in which the object is apart. */
function turnOf(outlines: readonly (Outline & { apart: boolean })[], angular: AngularShape): number {
  const angles = outlines.slice(1).map((outline, i) => {
    const before = outlines[i]!;
    return outline.apart && before.apart ? angleBetween(before.moments[angular], outline.moments[angular]) : 0;
  });
  return Math.abs(angles.reduce((sum, angle) => sum + angle, 0)) / orders[angular];
}

/** The line nearest to points: its value at 0 and its slope; level where all points lie at one place. */
function lineThrough(points: readonly (readonly [number, number])[]): { middle: number; slope: number } {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [centre, height] = [mean(points.map(([x]) => x)), mean(points.map(([, y]) => y))];
  const spread = points.reduce((sum, [x]) => sum + (x - centre) ** 2, 0);
  if (spread === 0) return { middle: height, slope: 0 };
  const slope = points.reduce((sum, [x, y]) => sum + (x - centre) * (y - height), 0) / spread;
  return { middle: height - slope * centre, slope };
}
