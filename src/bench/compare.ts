/**
 * Policies against each other on the same prompts and seeds. All rows of one cell (prompt and seed) run after each other,
 * so that a busy machine is busy for all of them; each policy and precision is warmed up by one clip that does not count.
 * An async generator: it yields after every clip, so that saving, progress and stopping belong to the caller.
 */
import { attributesOfPrompt, type ImageTextScores, judge, readWanted, type Vocabulary } from '../api/metrics.ts';
import type { TraceDocument } from '../api/trace.ts';
import type { Frames, GenerateEvent, Pipeline, Runtime, SizeRequest } from '../index.ts';
import { type MadeClip, makeClip, modulesOf } from './clip.ts';
import {
  assertSameFingerprint,
  assertSameSettings,
  type Cell,
  type ClipResult,
  type Comparison,
  type Fingerprint,
  type Settings,
} from './comparison.ts';
import { fidelityOf } from './fidelity.ts';
import { describeMachine } from './machine.ts';
import { decideRow, type Row } from './rows.ts';
import { summarizeRows } from './summary.ts';
import { temporalFigures } from './temporal.ts';
import { timeLeft } from './timeleft.ts';

export interface CompareOptions extends SizeRequest {
  /** The first is the reference that clips are compared with; see `withReferences`. */
  readonly rows: readonly [Row, ...Row[]];
  /** Distinct pairs of prompt and seed. */
  readonly cells: readonly [Cell, ...Cell[]];
  readonly numSteps: number;
  readonly guidanceScale?: number;
  /** What prompts mean, where agreement is to be judged. */
  readonly vocabulary?: Vocabulary;
  /** How a CLIP model judges a clip and its caption, where there is one; not timed. */
  readonly clipScores?: (frames: Frames, prompt: string) => Promise<ImageTextScores>;
  /** What an interrupted run has measured; clips that are there are not made again. */
  readonly earlier?: Comparison;
  /** What a row runs on, where not all run on the same pipeline. */
  readonly pipelineFor?: (row: Row) => Promise<Pipeline>;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: GenerateEvent) => void;
}

export type CompareEvent =
  | { readonly type: 'warmup'; readonly row: Row }
  | {
      readonly type: 'clip';
      readonly clip: ClipResult;
      readonly frames: Frames;
      readonly trace: TraceDocument;
      readonly done: number;
      readonly total: number;
      /** Estimated from the clips so far. */
      readonly millisecondsLeft: number;
      /** All that has been measured so far. */
      readonly comparison: Comparison;
    };

const fingerprintSize = 16;

/** Measures every row on every cell. Throws `invalid_option` if `earlier` is of another model or other settings. */
export async function* compare(
  pipeline: Pipeline,
  runtime: Runtime,
  options: CompareOptions,
): AsyncGenerator<CompareEvent, Comparison> {
  const { rows, cells, earlier } = options;
  const geometry = pipeline.geometry(options);
  const settings: Settings = {
    model: pipeline.model,
    numSteps: options.numSteps,
    guidanceScale: options.guidanceScale ?? pipeline.defaults.guidanceScale,
    geometry,
  };
  if (earlier) assertSameSettings(earlier, settings);
  const warn = (message: string) => options.onEvent?.({ type: 'warning', message, milliseconds: 0 });
  for (const row of rows) await decideRow(row, pipeline, { ...options, ...cells[0] }, warn); // before anything is made
  const clips: ClipResult[] = [...(earlier?.clips ?? [])];
  const isDone = (row: Row, cell: Cell) => clips.some((clip) => clip.row === row.label && sameCell(clip, cell));
  const missing = cells.flatMap((cell) => rows.filter((row) => !isDone(row, cell)).map((row) => ({ row, cell })));
  const make = async (row: Row, cell: Cell) =>
    makeClip((await options.pipelineFor?.(row)) ?? pipeline, runtime, { row, cell }, options);

  let fingerprint: Fingerprint = earlier?.fingerprint ?? { cell: cells[0], values: [] };
  for (const row of missing.length > 0 ? warmUps(rows, missing) : []) {
    yield { type: 'warmup', row };
    const warm = await make(row, fingerprint.cell);
    if (row !== rows[0]) continue;
    const now = { cell: fingerprint.cell, values: samplesOf(warm.latents) };
    if (earlier) assertSameFingerprint(earlier.fingerprint, now);
    else fingerprint = now;
  }
  const machines = [...(earlier?.machines ?? []), ...(missing.length > 0 ? [describeMachine(runtime)] : [])];
  const modules = modulesOf(pipeline);
  const fullStep = {
    modules: modules.length,
    flops: modules.reduce((sum, node) => sum + pipeline.costs.of(node, geometry).flops, 0),
  };
  const current = (): Comparison => {
    const body = { settings, fingerprint, rows, cells, fullStep, machines };
    const result = { format: 'quantcache-comparison', version: 1, ...body, clips: [...clips] } as const;
    return { ...result, summary: summarizeRows(result) };
  };

  const total = rows.length * cells.length;
  let left = missing;
  for (const [index, cell] of cells.entries()) {
    const due = inTurn(rows, index).filter((row) => !isDone(row, cell));
    let reference: MadeClip | undefined;
    for (const row of due) {
      const isReference = row === rows[0];
      if (!isReference) reference ??= await make(rows[0], cell); // an earlier session measured it, but kept no pixels
      const made = await make(row, cell);
      if (isReference) reference = made;
      const clip: ClipResult = {
        row: row.label,
        ...cell,
        session: machines.length - 1,
        ...made.measured,
        ...(!isReference && { fidelity: await fidelityOf(pipeline, reference!, made, options.signal) }),
        temporal: temporalFigures(made.frames, options.vocabulary),
        ...(options.clipScores && { clipScores: await options.clipScores(made.frames, cell.prompt) }),
        ...verdictOf(made.frames, cell.prompt, options.vocabulary),
      };
      clips.push(clip);
      left = left.slice(1);
      const millisecondsLeft = timeLeft(clips, left);
      const done = total - left.length;
      yield {
        type: 'clip',
        clip,
        frames: made.frames,
        trace: made.trace,
        done,
        total,
        millisecondsLeft,
        comparison: current(),
      };
    }
  }
  return current();
}

const sameCell = (a: Cell, b: Cell): boolean => a.prompt === b.prompt && a.seed === b.seed;

/** The reference, and one row for every policy and precision that is still to be measured. */
function warmUps(rows: readonly Row[], missing: readonly { row: Row }[]): Row[] {
  const kind = ({ policy, precision, recipe }: Row) => `${policy}@${precision}/${recipe}`;
  const due = [rows[0]!, ...rows.filter((row) => missing.some((one) => one.row === row))];
  return due.filter((row, i) => due.findIndex((other) => kind(other) === kind(row)) === i);
}

/** The reference first, the others turned by one from cell to cell, so that none always runs after the same one. */
function inTurn(rows: readonly Row[], index: number): Row[] {
  const [reference, ...others] = rows;
  const start = index % Math.max(1, others.length);
  return [reference!, ...others.slice(start), ...others.slice(0, start)];
}

function verdictOf(frames: Frames, prompt: string, vocabulary: Vocabulary | undefined) {
  const wanted = vocabulary && attributesOfPrompt(prompt, vocabulary);
  if (!vocabulary || !wanted) return {};
  const shown = readWanted(frames, wanted, vocabulary);
  return { shown, agreement: judge(shown, wanted) };
}

/** Values spread evenly over the latents. */
function samplesOf(latents: Float32Array): number[] {
  const stride = Math.max(1, Math.floor(latents.length / fingerprintSize));
  return Array.from({ length: fingerprintSize }, (_, i) => latents[(i * stride) % latents.length]!);
}
