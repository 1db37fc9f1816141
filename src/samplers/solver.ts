/**
 * Solvers of the straight flow as plain numbers: from the noise levels of the steps so far to weights of what is known.
 * Everything is written with predictions of the data, m = x - s v (s = noise level, v = noise - data as predicted):
 *
 *     a = 1 - s,   l = ln a - ln s,   h = l' - l of a step from s to s',   E = exp(-h) - 1
 *     exact         x' = (s'/s) x - a' integral of the data prediction over exp(l)
 *     order 1       x' = (s'/s) x - a' E m
 *     higher        adds multiples of D_k = (m_k - m) / r_k,   r_k = (l_k - l) / h of earlier steps k
 *
 * UniPC (Zhao et al. 2023, arXiv 2302.04867) in its bh2 form: the predictor (UniP) and, once the network has answered at
 * the new point, the corrector (UniC), which repeats the step with that answer. DPM-Solver++ 2M (Lu et al. 2022, arXiv
 * 2211.01095) is the predictor of order 2 alone. Adams-Bashforth integrates the polynomial through the last velocities
 * over s. The first steps and the last ones are of lower order, as in the original code.
 */

/** One evaluation of the past, the latest first where there are several: its noise level. */
export type Levels = readonly number[];

/** A step as weights: of the latents that it starts from, and of what was predicted at the steps of `Levels`. */
export interface Weights {
  readonly latents: number;
  readonly predictions: readonly number[];
}

/** Noise alone has no logarithm; the original code starts as near to it. */
const mostNoise = 1 - 1e-6;

const logRatio = (level: number): number =>
  Math.log1p(-Math.min(level, mostNoise)) - Math.log(Math.min(level, mostNoise));

/** A step of an exponential integrator, without what higher orders add. */
function baseOf(from: number, to: number) {
  const start = Math.min(from, mostNoise);
  const h = logRatio(to) - logRatio(start);
  const first = Math.expm1(-h);
  return { h, scale: to / start, alpha: 1 - to, first };
}

/**
 * The predictor: from the latest of `known` to `to`, of the order that `known` has levels. To noise level 0 it is the
 * prediction of the data itself.
 */
export function predictorWeights(known: Levels, to: number): Weights {
  const [from, ...earlier] = known as [number, ...number[]];
  if (to === 0) return { latents: 0, predictions: [1, ...earlier.map(() => 0)] };
  const { h, scale, alpha, first } = baseOf(from, to);
  const ratios = earlier.map((level) => (logRatio(level) - logRatio(from)) / h);
  const factors = ratios.length === 1 ? [0.5] : unifiedFactors(h, ratios);
  return combined(scale, alpha * first, ratios, factors);
}

/**
 * The corrector: the step from `known[1]` to `known[0]` again, now that the prediction at `known[0]` is there; of the order
 * of `known` without it. The latents are those that the step started from.
 */
export function correctorWeights(known: Levels): Weights {
  const [to, from, ...earlier] = known as [number, number, ...number[]];
  const { h, scale, alpha, first } = baseOf(from, to);
  const ratios = earlier.map((level) => (logRatio(level) - logRatio(from)) / h);
  const factors = ratios.length === 0 ? [0.5] : unifiedFactors(h, [...ratios, 1]);
  const { latents, predictions } = combined(scale, alpha * first, [...ratios, 1], factors);
  const [start, ...others] = predictions as [number, ...number[]];
  return { latents, predictions: [others.at(-1)!, start, ...others.slice(0, -1)] };
}

/** scale x - e m - e sum of factor_k (m_k - m) / r_k, as weights of x and of m, m_1, m_2... */
function combined(scale: number, e: number, ratios: readonly number[], factors: readonly number[]): Weights {
  const others = ratios.map((ratio, i) => (-e * factors[i]!) / ratio);
  return { latents: scale, predictions: [-e - others.reduce((sum, weight) => sum + weight, 0), ...others] };
}

/** The factors of D_k: the solution of sum over k of r_k^(n-1) factor_k = n! phi_(n+1)(-h) (-h) / E, n = 1, 2... */
function unifiedFactors(h: number, ratios: readonly number[]): number[] {
  const first = Math.expm1(-h);
  const targets: number[] = [];
  let phi = first / -h - 1;
  let factorial = 1;
  for (let n = 1; n <= ratios.length; n++) {
    targets.push((phi * factorial) / first);
    factorial *= n + 1;
    phi = phi / -h - 1 / factorial;
  }
  return solve(
    targets.map((_, n) => ratios.map((ratio) => ratio ** n)),
    targets,
  );
}

/** A small system of linear equations, by elimination with the largest pivot. */
function solve(rows: readonly (readonly number[])[], targets: readonly number[]): number[] {
  const system = rows.map((row, i) => [...row, targets[i]!]);
  for (let column = 0; column < system.length; column++) {
    const pivot = system
      .slice(column)
      .reduce((best, row) => (Math.abs(row[column]!) > Math.abs(best[column]!) ? row : best));
    system.splice(system.indexOf(pivot), 1);
    system.splice(column, 0, pivot);
    for (const row of system) {
      if (row === pivot) continue;
      const factor = row[column]! / pivot[column]!;
      for (let i = column; i < row.length; i++) row[i]! -= factor * pivot[i]!;
    }
  }
  return system.map((row, i) => row.at(-1)! / row[i]!);
}

/**
 * Adams-Bashforth: weights of the last velocities (data - noise), the latest first, for a step from `known[0]` to `to`: the
 * integral of the polynomial through them, over the noise level.
 */
export function adamsBashforthWeights(known: Levels, to: number): number[] {
  const from = known[0]!;
  return known.map((level, i) => {
    const others = known.filter((_, k) => k !== i);
    const scale = others.reduce((product, other) => product * (level - other), 1);
    return -integral(others, from, to) / scale;
  });
}

/** The integral of the product of (s - root) from one level to another. */
function integral(roots: readonly number[], from: number, to: number): number {
  let coefficients = [1];
  for (const root of roots)
    coefficients = [0, ...coefficients].map((coefficient, power) => coefficient - root * (coefficients[power] ?? 0));
  const at = (s: number) => coefficients.reduce((sum, c, power) => sum + (c * s ** (power + 1)) / (power + 1), 0);
  return at(to) - at(from);
}
