/** Samplers against states that the original solvers made (fixtures/solvers.json), and on a flow whose solution is known. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { createRuntime } from '../runtime/node.ts';
import type { Tensor } from '../runtime/runtime.ts';
import type { LatentMask } from '../sampler.ts';
import { createRunState } from '../state.ts';
import { heunVisits } from './heun.ts';
import { samplers } from './index.ts';

const runtime = await createRuntime({ threads: 1 });
const read = async (tensor: Tensor): Promise<number[]> => Array.from(await runtime.read(tensor));

interface Row {
  solver: keyof typeof samplers;
  noiseLevels: number[];
  x0: number[];
  v: number[][];
  x: number[][];
}
const { rows }: { rows: Row[] } = JSON.parse(readFileSync(new URL('fixtures/solvers.json', import.meta.url), 'utf8'));

/** The state after every step, where the network answers as told. */
async function states(
  name: keyof typeof samplers,
  noiseLevels: readonly number[],
  start: readonly number[],
  velocityOf: (x: number[], step: number) => number[],
  { mask, interrupted = false }: { mask?: LatentMask; interrupted?: boolean } = {},
): Promise<number[][]> {
  let state = createRunState();
  const begin = () =>
    samplers[name].create(runtime, { noiseLevels, guidanceScale: 1, guided: false, channels: 1, mask, state });
  let sampler = begin();
  const dims = [1, 1, start.length, 1, 1];
  let latents = runtime.tensor(Float32Array.from(start), dims);
  const found: number[][] = [];
  for (let step = 0; step < noiseLevels.length - 1; step++) {
    const input = await sampler.prepare(latents, step);
    const output = runtime.tensor(Float32Array.from(velocityOf(await read(input.latents), step)), dims);
    latents = await sampler.advance(latents, input, output, step);
    found.push(await read(latents));
    if (!interrupted) continue;
    state = createRunState({ saved: await state.save(runtime), runtime });
    sampler = begin();
  }
  await sampler.dispose();
  return found;
}

test.each(rows.map((row) => [row.solver, row.v.length, row] as const))('%s in %i steps', async (solver, _, row) => {
  const found = await states(solver, row.noiseLevels, row.x0, (__, step) => row.v[step]!.map((value) => -value));
  const largest = Math.max(...row.x.flat().map(Math.abs));
  for (const [step, state] of found.entries())
    for (const [i, value] of state.entries()) expect(Math.abs(value - row.x[step]![i]!)).toBeLessThan(2e-5 * largest);
});

test.each(Object.keys(samplers) as (keyof typeof samplers)[])('%s goes on from a saved state', async (name) => {
  const levels = name === 'heun' ? [1, 0.8, 0.8, 0.5, 0.5, 0] : [1, 0.8, 0.5, 0.3, 0.1, 0];
  const velocityOf = (x: number[], step: number) => x.map((value) => Math.sin(value + step));
  const whole = await states(name, levels, [0.3, -1.2], velocityOf);
  expect(await states(name, levels, [0.3, -1.2], velocityOf, { interrupted: true })).toEqual(whole);
});

describe('data that is normally distributed', () => {
  // x(s) = (1 - s) mean + deviation(s) z for a fixed z, so the velocity and the solution are known.
  const [mean, spread, z] = [0.7, 0.5, 1.3];
  const deviation = (s: number) => Math.hypot((1 - s) * spread, s);
  const solution = (s: number) => (1 - s) * mean + deviation(s) * z;
  const slope = (x: number, s: number) =>
    -mean + ((x - (1 - s) * mean) * (s - (1 - s) * spread ** 2)) / deviation(s) ** 2;

  /** The error at a noise level that is not the end, after so many evaluations. */
  async function errorOf(name: keyof typeof samplers, evaluations: number): Promise<number> {
    const visits = samplers[name as 'heun'].visits?.(evaluations) ?? Array.from({ length: evaluations }, (_, i) => i);
    const count = Math.max(...visits) + 1;
    const level = (i: number) => 0.95 - (i / count) * 0.75;
    const levels = [...visits.map(level), level(count)];
    const found = await states(name, levels, [solution(levels[0]!)], ([x], step) => [-slope(x!, levels[step]!)]);
    return Math.abs(found.at(-1)![0]! - solution(level(count)));
  }

  test.each([
    ['euler', 1],
    ['heun', 1.8],
    ['adams-bashforth', 1.8],
    ['dpm-solver++', 1.8],
    ['unipc', 1.9],
    ['unipc-3', 1.9],
  ] as const)('%s converges with order %d', async (name, order) => {
    const [few, many] = [await errorOf(name, 9), await errorOf(name, 19)];
    expect(Math.log2(few / many) / Math.log2(19 / 9)).toBeGreaterThan(order - 0.15);
  });

  test('more memory is nearer at equal evaluations', async () => {
    const errors = await Promise.all((['euler', 'dpm-solver++', 'unipc'] as const).map((name) => errorOf(name, 9)));
    expect(errors).toEqual([...errors].sort((a, b) => b - a));
  });
});

test('Heun evaluates all levels but the first twice, and an even number by one more Euler step', () => {
  expect([1, 2, 3, 4, 5, 8].map(heunVisits)).toEqual([
    [0],
    [0, 1],
    [0, 1, 1],
    [0, 1, 2, 2],
    [0, 1, 1, 2, 2],
    [0, 1, 2, 2, 3, 3, 4, 4],
  ]);
});

describe.each(Object.keys(samplers) as (keyof typeof samplers)[])('%s', (name) => {
  const visits = samplers[name as 'heun'].visits?.(3) ?? [0, 1, 2];
  const levels = [...visits.map((i) => 1 - i / 3), 0];

  test('given frames stay as they are, the others are as without', async () => {
    const velocity = () => [0.5, -0.25];
    const free = await states(name, levels, [1, 2], velocity);
    const kept = await states(name, levels, [1, 2], velocity, { mask: [[0, 1]] });
    for (const [step, [first, second]] of kept.entries()) {
      expect(first).toBe(1);
      expect(second).toBe(free[step]![1]);
    }
  });

  test('a constant velocity leads straight to the data', async () => {
    const found = await states(name, levels, [1, 2], () => [0.5, -0.25]);
    expect(found.at(-1)![0]).toBeCloseTo(1.5, 5);
    expect(found.at(-1)![1]).toBeCloseTo(1.75, 5);
  });

  test('frames that begin late are sampled or refused', async () => {
    const run = states(name, levels, [1, 2], () => [0.5, -0.25], { mask: [[0.5, 1]] });
    if (name === 'euler') await expect(run).rejects.not.toThrow(/edited/);
    else await expect(run).rejects.toThrow(/sampler euler/);
  });
});
