/** Fits and searches on runs of two numbers, whose velocities are given. No session is compiled. */
import { expect, test } from 'vitest';
import { numbers, scalarArithmetic, scalarLeap, smallBlocks, valuesOf } from '../../test/scalars.ts';
import type { LoopOptions } from '../loop.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { fitLeaps, type Lesson, searchSteps } from './fit.ts';

const runtime = { read: async (tensor) => Float32Array.from(valuesOf(tensor)) } as Runtime;
const begin = [1, 0];

/** A run without guidance by Euler steps of equal length; `asked` takes the steps at which the network is asked, per run. */
function lessonOf(velocities: readonly (readonly number[])[], asked: number[][] = []): Lesson {
  const numSteps = velocities.length;
  const timesteps = velocities.map((_, step) => 1000 * (1 - step / numSteps));
  const latents = [begin];
  for (const velocity of velocities) latents.push(latents.at(-1)!.map((value, i) => value + velocity[i]! / numSteps));
  const open = async () => {
    const run: number[] = [];
    asked.push(run);
    const options: LoopOptions = {
      blocks: smallBlocks(1),
      timesteps,
      guidanceScale: 1,
      latents: numbers(begin, [1, 2]),
      arithmetic: scalarArithmetic,
      denoiser: {
        async evaluate(_, timestep) {
          const step = timesteps.indexOf(timestep);
          run.push(step);
          return {
            hidden: numbers([0]),
            run: async () => ({ hidden: numbers([0]) }),
            finish: async () => numbers(velocities[step]!, [1, 2]),
            dispose() {},
          };
        },
        dispose() {},
      },
      sampler: {
        prepare: async (given) => ({ latents: numbers(valuesOf(given), given.dims) }),
        advance: async (given, _, output) =>
          numbers(
            valuesOf(given).map((value, i) => value + valuesOf(output)[i]! / numSteps),
            given.dims,
          ),
        leap: scalarLeap,
        dispose: async () => {},
      },
    };
    return { options, [Symbol.asyncDispose]: async () => {} };
  };
  return { open, latents: latents.slice(1).map((values) => Float32Array.from(values)) };
}

const timestepsOf = (numSteps: number) => Array.from({ length: numSteps }, (_, step) => 1000 * (1 - step / numSteps));

test('leaps are fitted to all prompts together, and the quality is the mean of theirs', async () => {
  // The whole way is 2 and 1 times the first velocity; the best for both is 1.5 times, half a velocity off each.
  const [fast, even] = [
    lessonOf([
      [0, 2],
      [0, 6],
    ]),
    lessonOf([
      [0, 2],
      [0, 2],
    ]),
  ];
  for (const lessons of [
    [fast, even],
    [even, fast],
  ]) {
    const request = { lessons, computed: [0], timesteps: [1000, 500], guidanceScale: 1, precision: 'fp32' } as const;
    const { plan, quality } = await fitLeaps(runtime, request);
    expect(plan).toHaveLength(1);
    expect(plan[0]!.latents).toBeCloseTo(1, 3);
    expect(plan[0]!.outputs[0]![0]).toBeCloseTo(1.5, 3);
    expect(quality).toBeCloseTo(-10 * Math.log10((0.5 * 2) ** 2 / 2), 2);
  }
});

test('searched are the steps beside each computed one, then those a fifteenth of the run away; the better ones are kept', async () => {
  // Nothing moves: every plan is as good as any, and the search ends when the neighbours were tried.
  const asked: number[][] = [];
  const still = lessonOf(
    Array.from({ length: 38 }, () => [0, 0]),
    asked,
  );
  const request = { lessons: [still], timesteps: timestepsOf(38), guidanceScale: 1, precision: 'fp32' as const };
  const search = searchSteps(runtime, {
    ...request,
    starts: [
      [0, 20],
      [0, 20],
    ],
    trials: 20,
  });
  let next = await search.next();
  while (!next.done) next = await search.next();
  expect(asked).toEqual([20, 19, 21, 17, 23].map((step) => [0, step]));
  expect(next.value).toEqual([0, 20]);
});

test('a search goes on from a better plan until no neighbour is better, or there were so many trials', async () => {
  // Who is still on the old course when it changes at step 5 never hears of the new one.
  const velocities = Array.from({ length: 12 }, (_, step) => (step < 5 ? [1, 0] : [0, 2]));
  const found = async (trials: number) => {
    const asked: number[][] = [];
    const request = { lessons: [lessonOf(velocities, asked)], timesteps: timestepsOf(12), guidanceScale: 1 };
    const search = searchSteps(runtime, { ...request, precision: 'fp32', starts: [[0, 3]], trials });
    let next = await search.next();
    while (!next.done) next = await search.next();
    return { best: next.value[1]!, tried: asked.map((run) => run[1]!) };
  };
  const { best, tried } = await found(40);
  expect(best).toBeGreaterThanOrEqual(5);
  expect(tried).toEqual([...new Set(tried)]);
  const neighbours = [best - 1, best + 1, best - 2, best + 2].filter((step) => step > 0 && step < 12);
  expect(tried).toEqual(expect.arrayContaining(neighbours));
  expect(await found(1)).toEqual({ best: 3, tried: [3] });
  expect((await found(2)).tried).toHaveLength(2);
});
