/** The oracle on clips of a few numbers, whose velocity is written down instead of learnt. */
import { expect, test } from 'vitest';
import { psnr } from '../../api/metrics.ts';
import { makeFrames } from '../../api/video.ts';
import type { Field } from './field.ts';
import type { Hardness } from './hardness.ts';
import { type Course, openCourse, searchAll, searchClip } from './oracle.ts';
import { summarizeOracle } from './oraclesummary.ts';
import type { FixedRecord } from './records.ts';

const numSteps = 10;
const options = { numSteps, beam: 3 };

/** A clip of two grey pixels; the more it turns, the more a long leap goes wrong. */
function fieldOf(turns: number, evaluated: number[] = []): Field {
  return {
    start: Float32Array.of(0.9, -0.4),
    async velocity([x, y], step) {
      evaluated.push(step);
      return Float32Array.of(-turns * y! * (1 + step / numSteps), turns * x!);
    },
    leap: (latents, velocity, from, to) => latents.map((value, i) => value + ((to - from) / numSteps) * velocity[i]!),
    async decode(latents) {
      const bytes = Array.from(latents, (value) => Math.max(0, Math.min(255, Math.round((value + 1) * 127.5))));
      return makeFrames(Uint8Array.from(bytes.flatMap((byte) => [byte, byte, byte])), {
        count: 1,
        height: 1,
        width: 2,
        fps: 8,
      });
    },
    async [Symbol.asyncDispose]() {},
  };
}

const open = (turns: number, evaluated?: number[]): Promise<Course> =>
  openCourse({ prompt: `turns ${turns}`, seed: 1 }, fieldOf(turns, evaluated), numSteps);

async function ofAll(courses: readonly Course[], earlier?: FixedRecord): Promise<FixedRecord[]> {
  const records: FixedRecord[] = [];
  const search = searchAll(courses, { ...options, earlier });
  for (let next = await search.next(); !next.done; next = await search.next()) records.push(next.value);
  return records;
}

test('a clip’s paths get better with every evaluation until the highest target is reached, and are what they say', async () => {
  const evaluated: number[] = [];
  const course = await open(1, evaluated);
  const record = await searchClip(course, options);
  expect(record).toMatchObject({ prompt: 'turns 1', seed: 1 });
  expect(record.searched).toBe(evaluated.length - numSteps);
  expect(record.paths.length).toBeGreaterThan(1);
  const last = record.paths.at(-1)!;
  expect(last.psnr).toBeGreaterThanOrEqual(34);
  for (const path of record.paths) {
    expect(path === last || path.psnr < 34).toBe(true);
    const lengths = path.leaps.split('-').map(Number);
    expect(lengths).toHaveLength(path.evaluations);
    let [at, latents] = [0, course.field.start];
    for (const length of lengths) {
      latents = course.field.leap(latents, await course.field.velocity(latents, at), at, at + length);
      at += length;
    }
    expect(at).toBe(numSteps);
    const made = await course.field.decode(latents);
    expect(path.psnr).toBeCloseTo(Math.min(120, psnr(course.frames.data, made.data)), 2);
  }
  expect(record.rank).toBeGreaterThan(0.8);
  expect(record.loss).toBeGreaterThanOrEqual(0);
});

test('what turns more needs more evaluations', async () => {
  const needs = async (turns: number) => (await searchClip(await open(turns), options)).paths.at(-1)!.evaluations;
  expect(await needs(2)).toBeGreaterThan(await needs(0.2));
});

test('one path for all goes on from where it was interrupted, and ends as if it had not been', async () => {
  const courses = [await open(0.2), await open(1), await open(2)];
  const whole = await ofAll(courses);
  const done = whole.at(-1)!;
  expect(done.unfinished).toBeUndefined();
  expect(done.paths.at(-1)!.psnr).toHaveLength(3);
  const interrupted: FixedRecord = JSON.parse(JSON.stringify(whole[1]));
  expect(interrupted.unfinished).toMatchObject({ evaluations: 2 });
  const resumed = await ofAll(courses, interrupted);
  expect(resumed).toHaveLength(whole.length - 2);
  expect(resumed.at(-1)).toEqual(done);
});

test('of one clip, one path for all is the oracle’s', async () => {
  const course = await open(1);
  const [own, all] = [await searchClip(course, options), (await ofAll([course])).at(-1)!];
  expect(all.paths.map(({ evaluations }) => evaluations)).toEqual(own.paths.map(({ evaluations }) => evaluations));
  expect(all.paths.at(-1)!.psnr[0]).toBeCloseTo(own.paths.at(-1)!.psnr, 6);
});

test('the summary counts what each clip needs, by either search, against what nine of ten need', () => {
  const path = (evaluations: number, psnr: number) => ({ evaluations, psnr, leaps: `${evaluations}` });
  const cells = ['easy', 'middle', 'hard'].map((prompt) => ({ prompt, seed: 1 }));
  const hardness: Pick<Hardness, 'oracle' | 'fixed'> = {
    oracle: [
      { ...cells[0]!, paths: [path(5, 31), path(6, 35)], rank: 0.9, loss: 0, searched: 10 },
      { ...cells[1]!, paths: [path(5, 20), path(6, 27), path(7, 31), path(9, 34)], rank: 0.7, loss: 1, searched: 20 },
      { ...cells[2]!, paths: [path(5, 15), path(8, 27), path(10, 36)], loss: 0.5, searched: 30 },
    ],
    fixed: {
      searched: 40,
      cells,
      paths: [
        { evaluations: 6, leaps: '6', psnr: [34, 30.5, 20] },
        { evaluations: 9, leaps: '9', psnr: [40, 36, 29] },
        { evaluations: 12, leaps: '12', psnr: [50, 40, 33] },
      ],
    },
  };
  const summary = summarizeOracle(hardness);
  expect(summary).toMatchObject({ clips: 3, rank: 0.8, loss: 0.5, searched: 20 });
  const [at26, at30, at34] = summary.targets;
  // The middle clip reaches 30 dB by the path of six that was tried on all.
  expect(at26).toMatchObject({ target: 26, oracle: { mean: 6.33, least: 5, most: 8 }, fixed: { evaluations: 9 } });
  expect(at30).toMatchObject({ oracle: { mean: 7, least: 5, most: 10 }, fixed: { evaluations: 9, tenth: 30.4 } });
  expect(at30!.ratio).toBe(1.29);
  expect(at34).toMatchObject({ oracle: { least: 6, most: 10 }, fixed: { evaluations: 12 } });
  const { targets } = summarizeOracle({ ...hardness, fixed: undefined });
  expect(targets[0]).toEqual({ target: 26, oracle: { mean: 6.33, least: 5, most: 8 } });
});
