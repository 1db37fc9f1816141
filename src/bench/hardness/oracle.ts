/**
 * The oracle: for one clip, or for many at once, the paths of least evaluations that come closest to full computation. It
 * knows what no policy knows, the full run; paths are pruned by how far their latents are from it, and finished ones are
 * decoded. Leaps are Euler steps with the model's own guidance, nothing is fitted.
 */

import { packNumbers, unpackNumbers } from '../../files/numbers.ts';
import type { Frames } from '../../index.ts';
import type { Cell } from '../comparison.ts';
import { quantile } from '../spread.ts';
import { decibelsBetween } from './clips.ts';
import { distance, type Field, fullTrajectory } from './field.ts';
import { excused, leaps, targets } from './protocol.ts';
import { mean, rankCorrelation } from './rank.ts';
import type { FixedRecord, OracleRecord, PathRecord } from './records.ts';
import { rounded } from './rounding.ts';
import { firstLayer, type Layer, nextLayer, type Path, type Search } from './search.ts';

const highestTarget = Math.max(...targets);

/** A clip and its full run. */
export interface Course extends AsyncDisposable {
  readonly cell: Cell;
  readonly field: Field;
  /** Before every step, and after the last. */
  readonly full: readonly Float32Array[];
  readonly frames: Frames;
}

/** Runs a clip in full. The field is the course's from now on. */
export async function openCourse(cell: Cell, field: Field, numSteps: number): Promise<Course> {
  const full = await fullTrajectory(field, numSteps);
  const frames = await field.decode(full[numSteps]!);
  return { cell, field, full, frames, [Symbol.asyncDispose]: () => field[Symbol.asyncDispose]() };
}

/** Latents of each clip. */
type States = readonly Float32Array[];

function searchOf(courses: readonly Course[], numSteps: number, beam: number): Search<States> {
  return {
    numSteps,
    leaps,
    beam,
    async expand({ at, state }, lengths) {
      const states: Float32Array[][] = lengths.map(() => []);
      for (const [i, { field }] of courses.entries()) {
        const velocity = await field.velocity(state[i]!, at);
        for (const [j, length] of lengths.entries()) states[j]!.push(field.leap(state[i]!, velocity, at, at + length));
      }
      return states;
    },
    // Of many clips, the one at the edge of those that have to reach the target.
    error: (state, at) =>
      quantile(
        courses.map(({ full }, i) => distance(full[at]!, state[i]!)),
        1 - excused,
      ),
  };
}

const decodedPsnr = async ({ field, frames }: Course, latents: Float32Array): Promise<number> =>
  decibelsBetween(frames, await field.decode(latents));

const textOf = ({ leaps }: Path<States>): string => leaps.join('-');

/** Searches one clip until the highest target is reached. */
export async function searchClip(
  course: Course,
  { numSteps, beam }: { numSteps: number; beam: number },
): Promise<OracleRecord> {
  const search = searchOf([course], numSteps, beam);
  const paths: PathRecord[] = [];
  const errors: number[] = [];
  const decoded: number[] = [];
  const losses: number[] = [];
  let layer = firstLayer<States>([course.field.start]);
  let searched = 0;
  while ((paths.at(-1)?.psnr ?? 0) < highestTarget) {
    searched += layer.paths.length;
    layer = await nextLayer(search, layer);
    const { finished, evaluations } = layer;
    if (finished.length === 0) continue;
    const found: number[] = [];
    for (const { state } of finished) found.push(await decodedPsnr(course, state[0]!));
    const best = Math.max(...found);
    errors.push(...finished.map(({ error }) => -error));
    decoded.push(...found);
    losses.push(best - found[0]!);
    paths.push({ evaluations, leaps: textOf(finished[found.indexOf(best)]!), psnr: best });
  }
  const rank = rankCorrelation(errors, decoded);
  return {
    ...course.cell,
    paths,
    ...(Number.isFinite(rank) && { rank: rounded(rank, 3) }),
    loss: rounded(mean(losses), 2),
    searched,
  };
}

/** Searches all clips at once until nine of ten reach the highest target; yields the record after every layer. */
export async function* searchAll(
  courses: readonly Course[],
  { numSteps, beam, earlier }: { numSteps: number; beam: number; earlier?: FixedRecord },
): AsyncGenerator<FixedRecord, FixedRecord> {
  const search = searchOf(courses, numSteps, beam);
  const cells = courses.map(({ cell }) => cell);
  let record: FixedRecord = earlier ?? { cells, paths: [], searched: 0 };
  let layer = earlier?.unfinished ? unpacked(earlier.unfinished) : firstLayer(courses.map(({ field }) => field.start));
  while (tenthOf(record) < highestTarget) {
    const searched = record.searched + layer.paths.length;
    layer = await nextLayer(search, layer);
    const found: { path: Path<States>; psnr: number[] }[] = [];
    for (const path of layer.finished.slice(0, beam)) {
      const values: number[] = [];
      for (const [i, course] of courses.entries()) values.push(await decodedPsnr(course, path.state[i]!));
      found.push({ path, psnr: values });
    }
    const best = found.reduce<(typeof found)[number] | undefined>(
      (one, other) => (one && tenth(one.psnr) >= tenth(other.psnr) ? one : other),
      undefined,
    );
    const { evaluations } = layer;
    const paths = best ? [...record.paths, { evaluations, leaps: textOf(best.path), psnr: best.psnr }] : record.paths;
    record = { cells, paths, searched, unfinished: packed(layer) };
    if (tenthOf(record) >= highestTarget) record = { cells, paths, searched };
    yield record;
  }
  return record;
}

const tenth = (values: readonly number[]): number => quantile(values, excused);
const tenthOf = ({ paths }: FixedRecord): number => (paths.length > 0 ? tenth(paths.at(-1)!.psnr) : 0);

const packed = ({ evaluations, paths, least }: Layer<States>): FixedRecord['unfinished'] => ({
  evaluations,
  paths: paths.map(({ state, ...path }) => ({ ...path, latents: state.map(packNumbers) })),
  least,
});

const unpacked = ({ evaluations, paths, least }: NonNullable<FixedRecord['unfinished']>): Layer<States> => ({
  evaluations,
  paths: paths.map(({ latents, ...path }) => ({ ...path, state: latents.map(unpackNumbers) })),
  least,
  finished: [],
});
