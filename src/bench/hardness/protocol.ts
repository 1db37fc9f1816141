/**
 * How hard a model is to accelerate: what is measured, as data. Fewer steps, whole-step reuse with a warm-up, and the paths
 * that the oracle chooses from; all in fp32 with the model's own guidance, by Euler steps.
 */
import { parseRows, type Row } from '../rows.ts';

/** What can be measured by itself. */
export const parts = ['fidelity', 'agreement', 'oracle'] as const;
export type Part = (typeof parts)[number];

/** Decibels that the oracle's paths have to reach. */
export const targets = [26, 30, 34] as const;

/** The share of clips that one path for all may leave below a target: what a 10th percentile allows. */
export const excused = 0.1;

/** Steps that one evaluation may stand for on the oracle's lattice. */
export const leaps = [1, 2, 4, 8] as const;

/** Steps computed before every second one is reused. */
const warmup = 3;

/** How many steps `static` computes: the first ones, then every second one from the next one on. */
export const cachedEvaluations = (numSteps: number): number =>
  Math.min(numSteps, warmup) + Math.ceil(Math.max(0, numSteps - warmup) / 2);

/** Run lengths of computed and reused steps in turn, in the notation of `static`. */
export function warmupMask(numSteps: number): string {
  const computed = Array.from({ length: numSteps }, (_, step) => step < warmup || (step - warmup) % 2 === 0);
  const lengths: number[] = [];
  for (const [step, now] of computed.entries()) {
    if (step > 0 && now === computed[step - 1]) lengths[lengths.length - 1]!++;
    else lengths.push(1);
  }
  return lengths.join('-');
}

/** What clips are compared with. */
export const reference = 'full';
/** The label of whole-step reuse, whose mask is too long for a table. */
export const cached = 'static';

export interface HardnessRows {
  /** Full computation. */
  readonly full: Row;
  /** What is compared with it: fewer steps, and whole-step reuse. */
  readonly fewer: readonly Row[];
  /** The ones whose agreement is judged on many prompts. */
  readonly judged: readonly Row[];
}

/** The rows of a measurement with so many steps. */
export function hardnessRows(numSteps: number): HardnessRows {
  const defaults = { numSteps, precision: 'fp32' } as const;
  const counts = [...new Set([cachedEvaluations(numSteps), 15, 10, 8, 6, 5, 4])].filter((count) => count < numSteps);
  const row = (text: string) => parseRows(text, defaults)[0]!;
  const full = row(reference);
  const reductions = counts.map((count) => row(`full#${count}`));
  return {
    full,
    fewer: [...reductions, { ...row(`static:mask=${warmupMask(numSteps)}`), label: cached }],
    judged: [full, ...reductions.filter(({ numSteps }) => numSteps === 5 || numSteps === 4)],
  };
}
