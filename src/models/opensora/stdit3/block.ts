/**
 * One STDiT3 block as graphs: self-attention, cross-attention and feed-forward, each returning the new hidden state and
 * the residual it added. Spatial and temporal blocks differ in how tokens are grouped for self-attention, and in the
 * rotary embedding of the temporal one.
 *
 * The hidden state is `[batch, frames, tokens, width]` throughout. `modulation` is `[batch, 1 or frames, 6 * width]`: one
 * row per frame where some frames are given and count as timestep 0. Reference: Open-Sora 1.2, `STDiT3Block`.
 */

import { attention, rotaryEmbedding } from '../../../nn/attention.ts';
import { gelu, inSlices, linearParts, overRows, perceptron } from '../../../nn/linear.ts';
import { modulatedNorm, rmsNorm } from '../../../nn/norm.ts';
import { type Scope, within } from '../../../nn/scope.ts';
import type { Graph, Value } from '../../../onnx/graph.ts';
import type { AttentionKernel } from '../../../runtime/runtime.ts';
import type { Stdit3Config } from './config.ts';

/** What every module returns. */
export interface ModuleValues {
  hidden: Value;
  residual: Value;
}

/** Which rows of the modulation a module uses: shift, scale and gate. */
type ModulationPart = 'attention' | 'feed-forward';

/** shift, scale and gate, each `[batch, 1 or frames, 1, width]`: the timestep's modulation plus the block's own table. */
function modulationOf(scope: Scope, config: Stdit3Config, modulation: Value, part: ModulationPart) {
  const { graph, weights } = scope;
  const table = graph.weight(weights.get('scale_shift_table'));
  const rows = graph.op.Add!(graph.op.Reshape!(modulation, [0, 0, 6, config.hiddenSize]), table);
  const first = part === 'attention' ? 0 : 3;
  const [shift, scale, gate] = graph.node(
    'Split',
    [graph.op.Slice!(rows, [first], [first + 3], [2])],
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
    shift: graph.op.Mul!(shift, balance),
    scale: graph.op.Sub!(graph.op.Mul!(graph.op.Add!(scale, one), balance), one),
  };
}

/** q, k and v of `[rows, width]`, with q and k normalised per head and everything grouped as `[groups, length, width]`. */
function queryKeyValue(scope: Scope, config: Stdit3Config, rows: Value, grouped: Value): [Value, Value, Value] {
  const { op } = scope.graph;
  const { numHeads, headSize } = config;
  const parts = linearParts(scope, rows, 'qkv', 3);
  const normalised = (x: Value, name: string) =>
    config.qkNorm ? rmsNorm(scope, op.Reshape!(x, [-1, numHeads, headSize]), name) : x;
  const group = (x: Value) => op.Reshape!(x, grouped);
  return [group(normalised(parts[0]!, 'q_norm')), group(normalised(parts[1]!, 'k_norm')), group(parts[2]!)];
}

/** What a block's self-attention sees: the hidden state normalised, then shifted and scaled by the timestep. */
export function modulatedInput(scope: Scope, config: Stdit3Config, hidden: Value, modulation: Value): Value {
  const { shift, scale } = modulationOf(scope, config, modulation, 'attention');
  return modulatedNorm(scope, hidden, config.hiddenSize, shift, scale);
}

/** Attention of a frame's tokens among each other. `ungated` is the attention's output before the gate. */
export function spatialAttention(
  scope: Scope,
  config: Stdit3Config,
  hidden: Value,
  modulation: Value,
  kernel: AttentionKernel,
) {
  const { op } = scope.graph;
  const { shift, scale, gate } = modulationOf(scope, config, modulation, 'attention');
  const normed = modulatedNorm(scope, hidden, config.hiddenSize, shift, scale);
  const grouped = op.Concat!([-1], op.Shape!(hidden, { start: 2 }), { axis: 0 });
  const mixed = selfAttention(within(scope, 'attn'), config, normed, grouped, kernel);
  return gated(scope.graph, hidden, op.Reshape!(mixed, op.Shape!(hidden)), gate, mixed);
}

/** Attention of each place with itself in other frames, with rotary positions. */
export function temporalAttention(
  scope: Scope,
  config: Stdit3Config,
  hidden: Value,
  modulation: Value,
  kernel: AttentionKernel,
  rotary: { cos: Value; sin: Value },
) {
  const { op } = scope.graph;
  const { shift, scale, gate } = modulationOf(scope, config, modulation, 'attention');
  const normed = op.Transpose!(modulatedNorm(scope, hidden, config.hiddenSize, shift, scale), { perm: [0, 2, 1, 3] });
  const grouped = op.Concat!([-1], op.Shape!(normed, { start: 2 }), { axis: 0 });
  const mixed = selfAttention(within(scope, 'attn'), config, normed, grouped, kernel, rotary);
  const restored = op.Transpose!(op.Reshape!(mixed, op.Shape!(normed)), { perm: [0, 2, 1, 3] });
  return gated(scope.graph, hidden, restored, gate, mixed);
}

function selfAttention(
  scope: Scope,
  config: Stdit3Config,
  normed: Value,
  grouped: Value,
  kernel: AttentionKernel,
  rotary?: { cos: Value; sin: Value },
): Value {
  const { graph } = scope;
  const { numHeads, headSize, hiddenSize } = config;
  const [q, k, v] = queryKeyValue(scope, config, graph.op.Reshape!(normed, [-1, hiddenSize]), grouped);
  const turn = (x: Value) => (rotary ? rotaryEmbedding(graph, x, rotary, numHeads) : x);
  const mixed = attention(graph, turn(q), turn(k), v, { heads: numHeads, headSize, kernel });
  return overRows(scope, mixed, hiddenSize, (rows) => scope.linear(scope, rows, 'proj'));
}

function gated(
  graph: Graph,
  hidden: Value,
  delta: Value,
  gate: Value,
  ungated: Value,
): ModuleValues & { ungated: Value } {
  const residual = graph.op.Mul!(gate, delta);
  return { hidden: graph.op.Add!(hidden, residual), residual, ungated };
}

/**
 * Attention of every token to the caption. Neither normalised nor gated. `keys` and `values` are `[batch, length, width]`;
 * `bias`, `[batch, 1, 1, length]`, hides padding where captions of one batch differ in length.
 */
export function crossAttention(
  scope: Scope,
  config: Stdit3Config,
  hidden: Value,
  caption: { keys: Value; values: Value; bias?: Value },
  kernel: AttentionKernel,
): ModuleValues {
  const { graph } = scope;
  const { op } = graph;
  const cross = within(scope, 'cross_attn');
  const { numHeads, headSize, hiddenSize } = config;
  const perSample = op.Reshape!(
    cross.linear(cross, op.Reshape!(hidden, [-1, hiddenSize]), 'q_linear'),
    sampleShape(graph, hidden, hiddenSize),
  );
  const bias = caption.bias && expandBias(graph, caption.bias, perSample);
  const mixed = attention(graph, perSample, caption.keys, caption.values, { heads: numHeads, headSize, kernel, bias });
  const projected = cross.linear(cross, op.Reshape!(mixed, [-1, hiddenSize]), 'proj');
  const residual = op.Reshape!(projected, op.Shape!(hidden));
  return { hidden: op.Add!(hidden, residual), residual };
}

/** `[batch, frames * tokens, width]`, as a shape. */
const sampleShape = ({ op }: Graph, hidden: Value, width: number): Value =>
  op.Concat!(op.Shape!(hidden, { start: 0, end: 1 }), [-1, width], { axis: 0 });

/** `[batch, 1, 1, keys]` repeated for every query, as the fused kernels want it. */
function expandBias({ op }: Graph, bias: Value, queries: Value): Value {
  const count = op.Shape!(queries, { start: 1, end: 2 });
  return op.Expand!(bias, op.Concat!([1, 1], count, [1], { axis: 0 }));
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
export function feedForward(scope: Scope, config: Stdit3Config, hidden: Value, modulation: Value): ModuleValues {
  const { graph } = scope;
  const { shift, scale, gate } = modulationOf(scope, config, modulation, 'feed-forward');
  const normed = modulatedNorm(scope, hidden, config.hiddenSize, shift, scale);
  const widths = { inputs: config.hiddenSize, outputs: config.hiddenSize };
  const layers = (inner: Scope, slice: Value) => [perceptron(within(inner, 'mlp'), slice, ['fc1', 'fc2'], gelu)];
  const delta = overRows(scope, normed, config.hiddenSize, (rows) => inSlices(scope, rows, widths, layers)[0]!);
  const residual = graph.op.Mul!(gate, delta);
  return { hidden: graph.op.Add!(hidden, residual), residual };
}
