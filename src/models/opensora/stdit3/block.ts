/**
 * One STDiT3 block as graphs: self-attention, cross-attention and feed-forward, each returning the new hidden state and
 * the residual it added. Spatial and temporal blocks differ in how tokens are grouped for self-attention, and in the
 * rotary embedding of the temporal one.
 *
 * The hidden state is `[batch, frames, tokens, width]`, or a piece of it without the first axes (`pieces.ts`). A timestep's
 * modulation has one row per frame where some frames are given and count as timestep 0. Reference: Open-Sora 1.2,
 * `STDiT3Block`.
 */

import { type AttentionOptions, attention, rotaryEmbedding } from '../../../nn/attention.ts';
import { gelu, inSlices, linearParts, overRows, perceptron } from '../../../nn/linear.ts';
import { modulatedNorm, rmsNorm } from '../../../nn/norm.ts';
import { type Scope, within } from '../../../nn/scope.ts';
import { elementTypeCode, type Graph, type Value } from '../../../onnx/graph.ts';
import type { AttentionKernel } from '../../../runtime/runtime.ts';
import type { Stdit3Config } from './config.ts';

/** What every module returns, and self-attention beside: its output before the gate. */
export type ModuleValues = Record<'hidden' | 'residual', Value> & Partial<Record<'ungated', Value>>;

/** Which rows of the modulation a module uses: shift, scale and gate. */
export type ModulationPart = 'attention' | 'feed-forward';

/** shift, scale and gate of a module: what its timestep does to it. */
export type Modulation = Record<'shift' | 'scale' | 'gate', Value>;

/** Each `[batch, 1 or frames, 1, width]`: the timestep's modulation plus the block's own table. */
export function modulationOf(scope: Scope, config: Stdit3Config, modulation: Value, part: ModulationPart): Modulation {
  const { graph, weights } = scope;
  const table = graph.weight(weights.get('scale_shift_table'));
  const rows = graph.op.Add(graph.op.Reshape(modulation, [0, 0, 6, config.hiddenSize]), table);
  const first = part === 'attention' ? 0 : 3;
  const [shift, scale, gate] = graph.node(
    'Split',
    [graph.op.Slice(rows, [first], [first + 3], [2])],
    { axis: 2, num_outputs: 3 },
    3,
  );
  const next = part === 'attention' ? 'attn.qkv' : 'mlp.fc1';
  return { ...balanced(scope, next, { shift: shift!, scale: scale! }), gate: gate! };
}

/** Folds the smoothing of a quantized layer's input into the norm before it: (1 + scale) b - 1 and shift b. */
function balanced({ graph, weights }: Scope, next: string, { shift, scale }: { shift: Value; scale: Value }) {
  if (!weights.has(`${next}.balance`)) return { shift, scale };
  const balance = graph.weight(weights.get(`${next}.balance`));
  const one = graph.constant(1);
  return {
    shift: graph.op.Mul(shift, balance),
    scale: graph.op.Sub(graph.op.Mul(graph.op.Add(scale, one), balance), one),
  };
}

/** q, k and v of `[rows, width]`, with q and k normalised per head and everything grouped as `[groups, length, width]`. */
function queryKeyValue(scope: Scope, config: Stdit3Config, rows: Value, grouped: Value): [Value, Value, Value] {
  const { op } = scope.graph;
  const { numHeads, headSize } = config;
  const parts = linearParts(scope, rows, 'qkv', 3);
  const normalised = (x: Value, name: string) =>
    config.qkNorm ? rmsNorm(scope, op.Reshape(x, [-1, numHeads, headSize]), name) : x;
  const group = (x: Value) => op.Reshape(x, grouped);
  return [group(normalised(parts[0]!, 'q_norm')), group(normalised(parts[1]!, 'k_norm')), group(parts[2]!)];
}

/** What a block's self-attention sees: the hidden state normalised, then shifted and scaled by the timestep. */
export function modulatedInput(scope: Scope, config: Stdit3Config, hidden: Value, modulation: Value): Value {
  const { shift, scale } = modulationOf(scope, config, modulation, 'attention');
  return modulatedNorm(scope, hidden, config.hiddenSize, shift, scale);
}

/**
 * Attention among the tokens that share all axes but the last two, `[..., tokens, width]`: those of a frame, or those of a
 * place in all frames, which have rotary positions. `ungated` is the attention's output before the gate.
 */
export function selfAttention(
  scope: Scope,
  config: Stdit3Config,
  hidden: Value,
  { shift, scale, gate }: Modulation,
  kernel: AttentionKernel,
  rotary?: { cos: Value; sin: Value },
): ModuleValues {
  const { op } = scope.graph;
  const attn = within(scope, 'attn');
  const { numHeads, headSize, hiddenSize } = config;
  const normed = modulatedNorm(scope, hidden, hiddenSize, shift, scale);
  const grouped = op.Concat([-1], op.Shape(hidden, { start: -2 }), { axis: 0 });
  const [q, k, v] = queryKeyValue(attn, config, op.Reshape(normed, [-1, hiddenSize]), grouped);
  const turn = (x: Value) => (rotary ? rotaryEmbedding(scope.graph, x, rotary, numHeads) : x);
  const mixed = attention(scope.graph, turn(q), turn(k), v, { heads: numHeads, headSize, kernel });
  const rows = attn.linear(attn, op.Reshape(mixed, [-1, hiddenSize]), 'proj');
  const ungated = op.Reshape(rows, op.Shape(hidden));
  return { ...gated(scope.graph, hidden, ungated, gate), ungated };
}

function gated(graph: Graph, hidden: Value, delta: Value, gate: Value): ModuleValues {
  const residual = graph.op.Mul(gate, delta);
  return { hidden: graph.op.Add(hidden, residual), residual };
}

/**
 * A caption as cross-attention sees it: `keys` and `values`, `[batch, length, width]`, and where captions of one batch
 * differ in length `used`, `[batch, length]`: 1 for a sample's own rows, which come first, 0 for padding.
 */
export type Caption = Record<'keys' | 'values', Value> & Partial<Record<'used', Value>>;

/** Attention of every token of as many samples as the caption has. Neither normalised nor gated. */
export function crossAttention(
  scope: Scope,
  config: Stdit3Config,
  hidden: Value,
  caption: Caption,
  kernel: AttentionKernel,
): ModuleValues {
  const { graph } = scope;
  const { op } = graph;
  const cross = within(scope, 'cross_attn');
  const { numHeads, headSize, hiddenSize } = config;
  const perSample = op.Reshape(
    cross.linear(cross, op.Reshape(hidden, [-1, hiddenSize]), 'q_linear'),
    op.Concat(op.Shape(caption.keys, { start: 0, end: 1 }), [-1, hiddenSize], { axis: 0 }),
  );
  const mixed = attendToCaption(graph, perSample, caption, { heads: numHeads, headSize, kernel });
  const projected = cross.linear(cross, op.Reshape(mixed, [-1, hiddenSize]), 'proj');
  const residual = op.Reshape(projected, op.Shape(hidden));
  return { hidden: op.Add(hidden, residual), residual };
}

/**
 * Attention of queries `[batch, queries, width]` to captions. On a CPU each sample sees its own rows and no padding, so that
 * its numbers do not depend on how long the captions beside it are: padding would change the order in which kernels add.
 */
function attendToCaption(graph: Graph, queries: Value, caption: Caption, options: AttentionOptions): Value {
  const { keys, values, used } = caption;
  if (used === undefined) return attention(graph, queries, keys, values, options);
  if (options.kernel === 'plain') {
    const bias = graph.op.Mul(graph.op.Sub(graph.op.Unsqueeze(used, [1, 2]), graph.constant(1)), graph.constant(1e30));
    return attention(graph, queries, keys, values, { ...options, bias });
  }
  return graph.scan({ queries, keys, values, used }, (sample, own) => {
    const { op } = sample;
    const rows = op.Cast(op.ReduceSum(own.used, [0]), { to: elementTypeCode('int64') });
    const ofSample = (value: Value) => op.Unsqueeze(value, [0]);
    const inUse = (value: Value) => ofSample(op.Slice(value, [0], rows, [0]));
    const mixed = attention(sample, ofSample(own.queries), inUse(own.keys), inUse(own.values), options);
    return { mixed: op.Reshape(mixed, op.Shape(own.queries)) };
  }).mixed;
}

/** Keys and values of a caption `[batch, length, width]`, computed once per generation. */
export function captionKeysAndValues(
  scope: Scope,
  config: Stdit3Config,
  caption: Value,
): { keys: Value; values: Value } {
  const cross = within(scope, 'cross_attn');
  const both = overRows(cross, caption, config.hiddenSize, (rows) => cross.linear(cross, rows, 'kv_linear'));
  const [keys, values] = scope.graph.node('Split', [both], { axis: 2, num_outputs: 2 }, 2);
  return { keys: keys!, values: values! };
}

/** The gated multi-layer perceptron. */
export function feedForward(
  scope: Scope,
  config: Stdit3Config,
  hidden: Value,
  { shift, scale, gate }: Modulation,
): ModuleValues {
  const normed = modulatedNorm(scope, hidden, config.hiddenSize, shift, scale);
  const widths = { inputs: config.hiddenSize, outputs: config.hiddenSize };
  const layers = (inner: Scope, slice: Value) => [perceptron(within(inner, 'mlp'), slice, ['fc1', 'fc2'], gelu)];
  const delta = overRows(scope, normed, config.hiddenSize, (rows) => inSlices(scope, rows, widths, layers)[0]!);
  return gated(scope.graph, hidden, delta, gate);
}
