/** What a policy that leaps does with the answers of a network, step by step, on numbers that are known. */
import { expect, test } from 'vitest';
import { contextOf, numbers, valuesOf } from '../../../../test/scalars.ts';
import type { Run } from '../../../policy.ts';
import type { Measurement } from '../../../trace.ts';
import { createPolicy } from '../../index.ts';
import { averagesSchema } from './averages.ts';
import { builtinAverages } from './builtin.ts';
import { createPredictor } from './prediction.ts';

const numSteps = 12;
const guidanceScale = 4;

/** Begins a run; `answer` is told what the network answered at a step: with the prompt, and without. */
function begin(options: Record<string, unknown>) {
  const measured: Measurement[] = [];
  const warnings: string[] = [];
  const context = contextOf(numSteps, 4, {
    guidanceScale,
    measure: (measurement) => void measured.push(measurement),
    warn: (message) => void warnings.push(message),
  });
  const run: Run = createPolicy('hlc', options).begin(context);
  const answer = (step: number, conditional: number, unconditional: number, latents = 0.5) =>
    run.observeOutput!({
      step,
      latents: numbers([latents], [1, 1]),
      output: numbers([conditional, unconditional], [2, 1]),
    });
  const levels = [...context.timesteps.map((timestep) => timestep / 1000), 0];
  return { run, answer, measured, warnings, levels };
}

test('each leap is the best one from the last two answers, up to the end of the run', async () => {
  const { run, answer, measured, levels } = begin({ leaps: { quality: 8 } });
  const predictor = createPredictor({ moments: builtinAverages, levels, guidanceScale });
  let [history, rest]: [number[], readonly number[] | undefined] = [[], undefined];
  let leaps = 0;
  for (let step = 0; step < numSteps; ) {
    await answer(step, 2 + step / 50, 1.2, 10 + step);
    history = [step, ...history].slice(0, 2);
    const leap = run.leap!(step + 1);
    if (!leap) {
      step++;
      continue;
    }
    leaps++;
    const to = step + 1 + leap.steps;
    const expected = predictor.leap(history, to, rest);
    expect(leap.outputs.map(({ weights }) => weights)).toEqual(expected.outputs);
    expect(leap.outputs.map(({ tensor }) => valuesOf(tensor)[0])).toEqual(history.map((own) => 2 + own / 50));
    expect([leap.latents.weight, valuesOf(leap.latents.tensor)]).toEqual([1, [10 + step]]);
    rest = expected.rest;
    step = to;
  }
  expect(leaps).toBeGreaterThan(2);
  expect(measured.length).toBe(leaps);
  run.dispose?.();
});

test('difficulty is what an answer misses, relative to what is missed on average', async () => {
  const { run, answer, measured, levels } = begin({ leaps: { quality: 8 } });
  const predictor = createPredictor({ moments: builtinAverages, levels, guidanceScale });
  await answer(0, 2, 1.4, 77); // whatever the latents are
  expect(measured[0]!.values.difficulty).toBeCloseTo(0.6 ** 2 / predictor.strength(0), 9);
  const { steps } = run.leap!(1)!;
  const next = 1 + steps;
  const expected = predictor.answer([0], next);
  const [weights] = expected.outputs as [[number, number]];
  await answer(next, 2.5, 1.5);
  const missed = guidanceScale * 2.5 + (1 - guidanceScale) * 1.5 - (weights[0] * 2 + weights[1] * 1.4);
  expect(measured[1]!.values.difficulty).toBeCloseTo(missed ** 2 / expected.meanSquare, 9);
});

test('answers that do not fit into the memory are not kept, and every step is computed', async () => {
  const { run, answer, warnings } = begin({ leaps: { quality: 8 }, cacheMemory: 0 });
  for (let step = 0; step < numSteps; step++) {
    await answer(step, 2, 1.4);
    expect(run.leap!(step + 1)).toBeUndefined();
  }
  expect(run.heldBytes!()).toBe(0);
  expect([...new Set(warnings)]).toEqual([expect.stringMatching(/do not fit/)]);
});

test('the averages that come with the policy are those that its figures were measured with', () => {
  const { products, levels, amplification } = builtinAverages;
  const size = levels.length;
  const moment = (row: number, column: number) => Number(products[row]![column]!.toFixed(5));
  expect([moment(3, 0), moment(size - 1, 7), moment(size + 3, size), moment(2 * size - 1, size + 9)]).toEqual([
    1.39371, 1.51611, 0.12785, 0.00105,
  ]);
  expect(amplification[0]).toBeCloseTo(7.4, 9);
  expect(amplification.at(-1)).toBeCloseTo(0.4, 5);
});

test('two noise levels are averages enough', () => {
  const two = { levels: [1, 0.5], products: [[1], [1, 1], [0, 0, 1], [0, 0, 0, 1]], decibels: 12 };
  const more = { amplification: [1, 1], surprise: [1, 1] };
  expect(averagesSchema.safeParse({ ...two, ...more }).success).toBe(true);
});
