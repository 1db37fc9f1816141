/**
 * What is known of a network's answers before a run: how velocities at two noise levels go together, on average over clips.
 * From it follows how any leap is best made and how wrong it will be (`prediction.ts`).
 *
 *     u = velocity without the prompt        d = velocity with the prompt - u, the direction of guidance
 *     moment(x, s, y, t) = mean over clips and values of  x(s) y(t)        x, y in {u, d}; s, t noise levels
 *
 * u hardly changes along a run, while d turns and fades; a guided velocity is u + g d for any guidance g, an unguided one
 * u + d. So moments that were measured at one guidance serve every other.
 */
import * as z from 'zod';

/** The schema of what is known of a model before a run, on average over clips. */
export const averagesSchema = z
  .strictObject({
    /** Noise levels, 1 for noise, falling. */
    levels: z.array(z.number().positive().max(1)).min(2),
    /** Moments: the lower triangle, `[row][column]` for column <= row; u at every level, then d at every level. */
    products: z.array(z.array(z.number())),
    /** How much a squared error of the latents grows from each level to the end. */
    amplification: z.array(z.number().positive()),
    /** How much larger what an answer misses is at each level in a run than by the moments, which are those of full runs. */
    surprise: z.array(z.number().positive()),
    /** Decibels of a clip against full computation, less those of its latents' mean square error. */
    decibels: z.number(),
  })
  .refine(({ levels }) => levels.every((level, i) => i === 0 || level < levels[i - 1]!), 'noise levels must fall')
  .refine(
    ({ levels, amplification, surprise }) => [amplification, surprise].every(({ length }) => length === levels.length),
    'amplification and surprise must have one value per level',
  )
  .refine(
    ({ levels, products }) => products.length === 2 * levels.length && products.every((row, i) => row.length === i + 1),
    'there must be a row of products for u and one for d at every level, each as long as its number',
  );

export type Averages = z.output<typeof averagesSchema>;

/** The part that leaps are made from. */
export type Moments = Pick<Averages, 'levels' | 'products'>;

/** The square matrix of moments at other noise levels, by linear interpolation; beyond the last level it stays as there. */
export function momentsAt({ levels, products }: Moments, wanted: readonly number[]): number[][] {
  const square = products.map((row, i) => products.map((column, j) => (i >= j ? row[j]! : column[i]!)));
  const places = wanted.map((level) => placeOf(levels, level));
  const nodes = [0, 1].flatMap((kind) =>
    places.map((place) => place.map(({ index, weight }) => ({ index: kind * levels.length + index, weight }))),
  );
  const mixed = (rows: readonly (readonly number[])[]) =>
    nodes.map((node) =>
      rows[0]!.map((_, j) => node.reduce((sum, { index, weight }) => sum + weight * rows[index]![j]!, 0)),
    );
  const transposed = (rows: readonly (readonly number[])[]) => rows[0]!.map((_, j) => rows.map((row) => row[j]!));
  return mixed(transposed(mixed(square)));
}

/** A value given at some levels, at another one: linear between them. */
export const valueAt = (levels: readonly number[], values: readonly number[], level: number): number =>
  placeOf(levels, level).reduce((sum, { index, weight }) => sum + weight * values[index]!, 0);

/** The neighbouring levels of one, weighted. */
function placeOf(levels: readonly number[], level: number): { readonly index: number; readonly weight: number }[] {
  const after = levels.findIndex((one) => one <= level);
  if (after === 0) return [{ index: 0, weight: 1 }];
  if (after < 0) return [{ index: levels.length - 1, weight: 1 }];
  const share = (levels[after - 1]! - level) / (levels[after - 1]! - levels[after]!);
  return [
    { index: after - 1, weight: 1 - share },
    { index: after, weight: share },
  ];
}
