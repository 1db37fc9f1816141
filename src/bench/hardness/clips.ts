/** Clips of rows, in fp32 and without anything timed: what one measurement of hardness is made of. */
import { psnr, type Vocabulary } from '../../api/metrics.ts';
import { stack } from '../../api/policies.ts';
import { framesOf } from '../../api/video.ts';
import {
  type Frames,
  finish,
  type GenerateEvent,
  generate,
  generateOptionsOf,
  type Pipeline,
  type Policy,
  type Runtime,
} from '../../index.ts';
import type { Cell } from '../comparison.ts';
import { decideRow, fullRow, type Row } from '../rows.ts';
import { cached, cachedEvaluations, type HardnessRows } from './protocol.ts';
import type { AgreementRecord, FidelityRecord } from './records.ts';
import { rounded } from './rounding.ts';
import { watchTrajectory } from './trajectory.ts';
import { placesOf, type Verdict, verdictOf } from './verdict.ts';

/** What clips are made with. */
export interface Workshop {
  readonly pipeline: Pipeline;
  readonly runtime: Runtime;
  readonly rows: HardnessRows;
  readonly numSteps: number;
  readonly guidanceScale: number;
  readonly vocabulary?: Vocabulary;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: GenerateEvent) => void;
  /** Told how many evaluations of the network a clip has taken. */
  readonly onEvaluations?: (count: number) => void;
}

const equalPsnr = 120;

/** Evaluations that a clip of a row takes. */
export const evaluationsOf = ({ label, numSteps }: Row): number =>
  label === cached ? cachedEvaluations(numSteps) : numSteps;

/** Makes a clip; another policy may watch. */
export async function renderClip(
  shop: Omit<Workshop, 'rows'>,
  row: Row,
  { prompt, seed }: Cell,
  watch?: Policy,
): Promise<Frames> {
  const { pipeline, runtime, guidanceScale, signal, onEvent } = shop;
  const decided = generateOptionsOf(await decideRow(row, pipeline, { prompt, seed, guidanceScale }));
  const { policy } = decided;
  const run = generate(pipeline, runtime, {
    ...decided,
    sampler: 'euler',
    policy: watch ? stack(policy.name, policy, watch) : policy,
    signal,
  });
  const { videos, fps } = await finish(run, onEvent);
  shop.onEvaluations?.(evaluationsOf(row));
  return framesOf(videos[0]!, fps);
}

/** Evaluations of a clip that tells what one takes; about as many as those of a measurement have. */
const timedEvaluations = 10;

/** Milliseconds per evaluation, with a clip's share of encoding text and decoding. A first clip opens what is needed. */
export async function timeEvaluation(shop: Omit<Workshop, 'rows'>, cell: Cell): Promise<number> {
  const steps = Math.min(timedEvaluations, shop.numSteps);
  await renderClip(shop, fullRow(1, shop.numSteps), cell);
  const began = performance.now();
  await renderClip(shop, fullRow(steps, shop.numSteps), cell);
  return (performance.now() - began) / steps;
}

/** Decibels between two clips. */
export const decibelsBetween = (a: Frames, b: Frames): number => rounded(Math.min(equalPsnr, psnr(a.data, b.data)), 2);

/** Makes one prompt and seed by every row. The clips of other seeds and prompts are asked for where there are any. */
export async function measureFidelity(
  shop: Workshop,
  cell: Cell,
  full: FullClips,
  { otherSeed, otherPrompt }: { otherSeed?: Cell; otherPrompt?: Cell },
): Promise<FidelityRecord> {
  const { runtime, pipeline, numSteps, guidanceScale } = shop;
  const { noiseLevels } = pipeline.network.schedule(pipeline.geometry({}), numSteps);
  const watch = watchTrajectory(runtime, { guidanceScale, noiseLevels });
  const reference = await full.make(cell, watch.policy);
  const clips = new Map<string, Frames>([[shop.rows.full.label, reference]]);
  for (const row of shop.rows.fewer) clips.set(row.label, await renderClip(shop, row, cell));
  const { divergence, bend, detour } = watch.trajectory();
  const digits = (values: readonly number[]) => values.map((value) => rounded(value, 4));
  const fewer = [...clips].filter(([label]) => label !== shop.rows.full.label);
  return {
    ...cell,
    psnr: Object.fromEntries(fewer.map(([label, frames]) => [label, decibelsBetween(reference, frames)])),
    trajectory: { divergence: digits(divergence), bend: digits(bend), detour: rounded(detour, 4) },
    ...(otherSeed && { otherSeed: decibelsBetween(await full.get(otherSeed), reference) }),
    ...(otherPrompt && { otherPrompt: decibelsBetween(await full.get(otherPrompt), reference) }),
    ...verdictsOf(clips, cell, shop.vocabulary),
  };
}

/** Makes one prompt by the rows whose agreement is compared. */
export async function measureAgreement(shop: Workshop, cell: Cell): Promise<AgreementRecord> {
  const { rows, vocabulary } = shop;
  const clips = new Map<string, Frames>();
  for (const row of rows.judged) clips.set(row.label, await renderClip(shop, row, cell));
  const places = vocabulary ? placesOf(clips.get(rows.full.label)!, cell.prompt, vocabulary) : [];
  return {
    ...cell,
    ...verdictsOf(clips, cell, vocabulary),
    places: places.map(({ x, y }) => ({ x: rounded(x, 3), y: rounded(y, 3) })),
  };
}

function verdictsOf(clips: ReadonlyMap<string, Frames>, { prompt }: Cell, vocabulary: Vocabulary | undefined) {
  if (!vocabulary) return {};
  const verdicts: Record<string, Verdict> = {};
  for (const [label, frames] of clips) {
    const verdict = verdictOf(frames, prompt, vocabulary);
    if (!verdict) return {};
    verdicts[label] = verdict;
  }
  return { verdicts };
}

/** Clips of full computation, the last ones kept. */
export interface FullClips {
  /** Makes a clip and keeps it. */
  make(cell: Cell, watch?: Policy): Promise<Frames>;
  /** A clip that is kept, or made again. */
  get(cell: Cell): Promise<Frames>;
}

/** Keeps so many clips. */
export function fullClips(shop: Workshop, count: number): FullClips {
  const kept = new Map<string, Frames>();
  const make = async (cell: Cell, watch?: Policy) => {
    const frames = await renderClip(shop, shop.rows.full, cell, watch);
    kept.set(keyOf(cell), frames);
    if (kept.size > count) kept.delete(kept.keys().next().value!);
    return frames;
  };
  return { make, get: async (cell) => kept.get(keyOf(cell)) ?? make(cell) };
}

const keyOf = ({ prompt, seed }: Cell): string => `${seed} ${prompt}`;
