/**
 * The averages that leaps are made from (`policies/quantcache/leaping/averages.ts`), out of recorded full runs, and what runs
 * that leapt by them add: how much more than expected answers miss.
 */
import { unpackNumbers } from '../files/numbers.ts';
import { type Averages, valueAt } from '../policies/quantcache/leaping/averages.ts';
import { builtinAverages } from '../policies/quantcache/leaping/builtin.ts';
import type { Measurement } from '../trace.ts';
import type { PromptMeasurement } from './measurements.ts';
import { vectorIndex } from './record.ts';

/** Five digits: more than some prompts can tell. */
const rounded = (value: number): number => Number(value.toPrecision(5));

/**
 * Averages over recorded runs of one number of steps, at their noise levels. What they cannot show, how errors grow, is taken
 * from the averages that come with the policy.
 */
export function averagesOf(recorded: readonly PromptMeasurement[], timesteps: readonly number[]): Averages {
  const [{ numSteps, gram, latents }] = recorded as [PromptMeasurement, ...PromptMeasurement[]];
  const levels = timesteps.map((timestep) => timestep / timesteps[0]!);
  const parts = (gram.length - 1 - numSteps) / numSteps;
  const index = vectorIndex(numSteps, parts);
  const values = recorded.length * unpackNumbers(latents[0]!).length;
  const steps = Array.from({ length: numSteps }, (_, step) => step);
  /** u and d of each step as sums of recorded velocities; without guidance u is the only one, and d nothing. */
  const rows = [
    ...steps.map((step) => [[index.velocity(step, parts - 1), 1] as const]),
    ...steps.map((step) =>
      parts === 2 ? [[index.velocity(step, 0), 1] as const, [index.velocity(step, 1), -1] as const] : [],
    ),
  ];
  const sums = gram.map((row, i) => row.map((_, j) => recorded.reduce((sum, one) => sum + one.gram[i]![j]!, 0)));
  const product = (a: number, b: number) => (a >= b ? sums[a]![b]! : sums[b]![a]!);
  return {
    levels,
    products: rows.map((row, i) =>
      rows
        .slice(0, i + 1)
        .map((column) =>
          rounded(
            row.reduce((sum, [a, x]) => column.reduce((all, [b, y]) => all + x * y * product(a, b), sum), 0) / values,
          ),
        ),
    ),
    amplification: levels.map((level) =>
      rounded(valueAt(builtinAverages.levels, builtinAverages.amplification, level)),
    ),
    surprise: levels.map(() => 1),
    decibels: builtinAverages.decibels,
  };
}

/** Steps on either side over which surprise is averaged. */
const width = 2;

/** The averages with the surprise that runs by them met: the geometric mean of their difficulties, near each level. */
export function withSurprise(averages: Averages, runs: readonly (readonly Measurement[])[]): Averages {
  const seen = runs
    .flat()
    .flatMap(({ step, values: { difficulty = 0 } }) => [{ step, value: Math.log(difficulty) }])
    .filter(({ value }) => Number.isFinite(value)); // nothing missed, or nothing expected to be
  const surprise = averages.levels.map((_, step) => {
    const weighted = seen.map((one) => ({ ...one, weight: Math.exp(-(((one.step - step) / width) ** 2)) }));
    const total = weighted.reduce((sum, { weight }) => sum + weight, 0);
    if (total < 1e-3) return 1;
    return rounded(Math.exp(weighted.reduce((sum, { value, weight }) => sum + value * weight, 0) / total));
  });
  return { ...averages, surprise };
}
