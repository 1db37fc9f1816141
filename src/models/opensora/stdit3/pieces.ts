/**
 * A module in pieces: frame by frame, or some places of all frames at a time. What lies between the layers of a large
 * model stays in cache and in memory that is used again; on a CPU, fresh memory for whole hidden states costs more than
 * the arithmetic of all norms, scales and additions together.
 *
 * Invariants: no piece depends on another, so pieces change the time and nothing else. Results are written straight into
 * the outputs, sample by sample. GPUs compute the whole, because loops leave them.
 */
import type { Scope } from '../../../nn/scope.ts';
import { elementTypeCode, type Graph, mapValues, type Value, type Values } from '../../../onnx/graph.ts';
import type { Backend } from '../../../runtime/runtime.ts';

/** How much of a module is computed at a time. */
export interface Pieces {
  /** Pieces of each sample; 1 for the whole batch at once. */
  readonly pieces: number;
  /** Slices of rows that the linear layers of a piece are computed in; they divide its rows. */
  readonly slices: number;
}

/** What a module is computed from: the hidden state, its modulation, and what a sample's caption contributes. */
export interface Whole<Modulation extends Values, Caption extends Values> {
  /** `[batch, frames, tokens, width]`. */
  readonly hidden: Value;
  /** Each `[1 or batch, 1 or frames, 1, width]`. */
  readonly modulation: Modulation;
  /** Each `[batch, ...]`; pieces see `[1, ...]`. */
  readonly caption: Caption;
}

/** Numbers of a hidden state in a piece: few enough that a feed-forward's 4 * width stay in cache, enough for the kernels. */
const pieceSize = { least: 128 * 1152, most: 256 * 1152 };

/** Of a hidden state. */
export type Dims = readonly [batch: number, frames: number, tokens: number, width: number];

/** The whole batch at once. */
export const whole: Pieces = { pieces: 1, slices: 1 };

/** Linear layers sample by sample, for inputs that have one scale to each. */
export const eachSample = ([batch]: Dims): Pieces => ({ pieces: 1, slices: batch });

/** The pieces of `[batch, frames, tokens, width]` for a kind of module; one where none are of a good size. */
export function piecesFor(backend: Backend, kind: string, dims: Dims): Pieces {
  if (backend !== 'cpu') return whole;
  const [, frames, tokens, width] = dims;
  const enough = tokens * width >= pieceSize.least;
  const pieces = kind === 'temporal-attention' ? equalParts(tokens, frames * width) : enough ? frames : 1;
  return { pieces, slices: equalParts(rowsOf(pieces, dims), width) };
}

/** Rows that are computed at a time. */
export const rowsOf = (pieces: number, [batch, frames, tokens]: Dims): number =>
  pieces === 1 ? batch * frames * tokens : (frames * tokens) / pieces;

/** The fewest equal parts of so many units, each of so many numbers, that are small enough and not too small; or one. */
function equalParts(units: number, size: number): number {
  for (let parts = Math.ceil((units * size) / pieceSize.most); (units / parts) * size >= pieceSize.least; parts++)
    if (units % parts === 0) return parts;
  return 1;
}

/** Writes a module frame by frame: `x` is `[tokens, width]`, or the whole where it is one piece. */
export function eachFrame<Modulation extends Values, Caption extends Values, Results extends Values>(
  scope: Scope,
  pieces: number,
  { hidden, modulation, caption }: Whole<Modulation, Caption>,
  write: (scope: Scope, x: Value, modulation: Modulation, caption: Caption) => Results,
): Results {
  if (pieces === 1) return write(scope, hidden, modulation, caption);
  const { graph } = scope;
  const { op } = graph;
  const frames = op.Concat(op.Shape(hidden, { start: 0, end: 2 }), [1, 1], { axis: 0 });
  const perFrame = mapValues(modulation, (value) => op.Expand(value, frames));
  return graph.scan({ hidden, ...perFrame, ...caption }, (sample, all) => {
    const own = mapValues(caption, (_, name) => sample.op.Unsqueeze(all[name]!, [0]));
    const framed = { hidden: all.hidden, ...mapValues(modulation, (_, name) => all[name]!) };
    return sample.scan(framed, (frame, { hidden: x, ...rest }) =>
      write({ ...scope, graph: frame }, x, rest as unknown as Modulation, own),
    );
  });
}

/** Writes a module some places at a time: `x` is `[places, frames, width]`, or the whole as `[batch, places, frames, width]`. */
export function eachPlace<Modulation extends Values, Results extends Values>(
  scope: Scope,
  pieces: number,
  { hidden, modulation }: Omit<Whole<Modulation, Values>, 'caption'>,
  write: (scope: Scope, x: Value, modulation: Modulation) => Results,
): Results {
  const { graph } = scope;
  if (pieces === 1) {
    const turn = (value: Value) => graph.op.Transpose(value, { perm: [0, 2, 1, 3] });
    return mapValues(write(scope, turn(hidden), mapValues(modulation, turn)), turn);
  }
  const turn = ({ op }: Graph, value: Value) => op.Transpose(value, { perm: [1, 0, 2] });
  const samples = graph.op.Concat(graph.op.Shape(hidden, { start: 0, end: 1 }), [1, 1, 1], { axis: 0 });
  const perSample = mapValues(modulation, (value) => graph.op.Expand(value, samples));
  return graph.scan({ hidden, ...perSample }, (sample, { hidden: x, ...rest }) => {
    const { op } = sample;
    const turned = mapValues(rest as unknown as Modulation, (value) => turn(sample, value));
    const tokens = op.Shape(x, { start: 1, end: 2 });
    const places = op.Div(tokens, [pieces]);
    const numbers = sample.constant(
      Float32Array.from({ length: pieces }, (_, i) => i),
      [pieces, 1],
    );
    const results = sample.scan({ numbers }, (piece, { numbers: number }) => {
      const first = piece.op.Mul(piece.op.Cast(number, { to: elementTypeCode('int64') }), places);
      const own = piece.op.Slice(x, first, piece.op.Add(first, places), [1]);
      return write({ ...scope, graph: piece }, turn(piece, own), turned);
    });
    const shape = op.Concat(tokens, [-1], op.Shape(x, { start: 2 }), { axis: 0 });
    return mapValues(results, (result) => turn(sample, op.Reshape(result, shape)));
  });
}
