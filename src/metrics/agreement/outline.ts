/**
 * The outline of an object in one frame: area, centroid, and the complex moments sum (x + iy)^k / sum |x + iy|^k about
 * it. Order 3 is strong for a triangle, 4 for a square, 5 for a star, none for a circle; its phase turns with the object.
 */

/** A complex number. */
export interface Complex {
  readonly re: number;
  readonly im: number;
}

/** The angular shapes with the order of the moment that tells them. */
export const orders = { triangle: 3, square: 4, star: 5 } as const;
export type AngularShape = keyof typeof orders;
export const angularShapes = Object.keys(orders) as AngularShape[];

/** What is measured of one frame's mask. */
export interface Outline {
  /** Pixels. */
  readonly area: number;
  readonly x: number;
  readonly y: number;
  readonly moments: Readonly<Record<AngularShape, Complex>>;
}

/** Measures a mask that is not empty. */
export function outlineOf(mask: Uint8Array, width: number): Outline {
  let area = 0;
  let sumX = 0;
  let sumY = 0;
  for (let pixel = 0; pixel < mask.length; pixel++) {
    if (!mask[pixel]) continue;
    area++;
    sumX += (pixel % width) + 0.5;
    sumY += Math.floor(pixel / width) + 0.5;
  }
  const [x, y] = [sumX / area, sumY / area];
  const sums = { triangle: [0, 0, 0], square: [0, 0, 0], star: [0, 0, 0] } satisfies Record<AngularShape, number[]>;
  for (let pixel = 0; pixel < mask.length; pixel++) {
    if (!mask[pixel]) continue;
    const offset = { re: (pixel % width) + 0.5 - x, im: Math.floor(pixel / width) + 0.5 - y };
    const radius = Math.hypot(offset.re, offset.im);
    let power = times(offset, offset);
    for (const shape of angularShapes) {
      power = times(power, offset);
      const sum = sums[shape];
      sum[0]! += power.re;
      sum[1]! += power.im;
      sum[2]! += radius ** orders[shape];
    }
  }
  const moment = ([re, im, size]: number[]): Complex => ({ re: re! / size!, im: im! / size! });
  const moments = { triangle: moment(sums.triangle), square: moment(sums.square), star: moment(sums.star) };
  return { area, x, y, moments };
}

const times = (a: Complex, b: Complex): Complex => ({ re: a.re * b.re - a.im * b.im, im: a.re * b.im + a.im * b.re });

/** The angle from one complex number to another, in (-pi, pi]. */
export function angleBetween(from: Complex, to: Complex): number {
  return Math.atan2(to.im * from.re - to.re * from.im, to.re * from.re + to.im * from.im);
}
