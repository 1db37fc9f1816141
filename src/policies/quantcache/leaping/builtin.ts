/**
 * Averages for a model that was never calibrated: smooth curves near to what was measured on the demo model, its directions of
 * guidance turning somewhat faster, so that leaps are rather too short. Difficulty, which is measured in the run itself,
 * corrects for models that are smoother or rougher.
 */
import type { Averages } from './averages.ts';

const levels = [1, 0.985, 0.97, 0.95, 0.93, 0.9, 0.87, 0.83, 0.78, 0.72, 0.65, 0.57, 0.48, 0.38, 0.27, 0.15, 0.05];

/** Where a noise level lies along a run, 0 to 1, by the timestep transform of a short clip. */
const along = (level: number): number => 1 - level / (2.2 - 1.2 * level);

/** How alike two things are that turn once within a length: Matérn's covariance of smoothness 3/2. */
function likeness(a: number, b: number, length: number): number {
  const distance = (Math.sqrt(3) * Math.abs(along(a) - along(b))) / length;
  return (1 + distance) * Math.exp(-distance);
}

const strength = {
  u: (level: number) => 1.32 - 0.17 * level ** 12,
  d: (level: number) => 0.09 + 0.16 * level ** 4 + 0.28 * Math.exp((level - 1) / 0.04),
};
/** Of u, most stays as it is for the whole run. */
const alike = {
  u: (a: number, b: number) => 0.86 + 0.14 * likeness(a, b, 0.35),
  d: (a: number, b: number) => likeness(a, b, 0.22),
};

const moment = (kind: 'u' | 'd', a: number, b: number) => strength[kind](a) * strength[kind](b) * alike[kind](a, b);

export const builtinAverages: Averages = {
  levels,
  products: [
    ...levels.map((a, row) => levels.slice(0, row + 1).map((b) => moment('u', a, b))),
    ...levels.map((a, row) => [...levels.map(() => 0), ...levels.slice(0, row + 1).map((b) => moment('d', a, b))]),
  ],
  amplification: levels.map((level) => 0.4 + 7 * level ** 6),
  surprise: levels.map(() => 1),
  decibels: 13,
};
