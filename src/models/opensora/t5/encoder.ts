/**
 * The T5 encoder's layers as graphs: pre-norm residual blocks of self-attention and a gated feed-forward.
 *
 * What sets T5 apart: no biases, no 1/sqrt(headSize) in attention, norms without a mean, and a bias on the scores by
 * distance between tokens, the same in all blocks. Reference: transformers, `T5Stack`; names are those of its checkpoints.
 */
import { attention, attentionOpset } from '../../../nn/attention.ts';
import { gelu, linearFp32, overRows } from '../../../nn/linear.ts';
import { rmsNorm } from '../../../nn/norm.ts';
import { type Scope, within } from '../../../nn/scope.ts';
import { elementTypeCode, Graph, type Model, type Value } from '../../../onnx/graph.ts';
import type { AttentionKernel } from '../../../runtime/runtime.ts';
import type { Weights } from '../../../weights/checkpoint.ts';
import type { T5Config } from './config.ts';
import { distanceBiasName, embeddingName } from './weights.ts';

/**
 * Before the blocks: token numbers `ids [prompts, length]` to the hidden state, and classes of distance
 * `buckets [length, length]` with the `padding [prompts, 1, 1, length]` of keys to the bias `[prompts, heads, length, length]`.
 */
export function inputGraph(weights: Weights): Model {
  const graph = new Graph('t5.input');
  graph.output(
    'hidden',
    gatherRows(graph, weights, embeddingName(weights), graph.input('ids', ['prompts', 'length'], 'int64')),
  );
  const buckets = graph.input('buckets', ['length', 'length'], 'int64');
  const byHead = graph.op.Transpose(gatherRows(graph, weights, distanceBiasName, buckets), { perm: [2, 0, 1] });
  graph.output('bias', graph.op.Add(byHead, graph.input('padding', ['prompts', 1, 1, 'length'])));
  return graph.build();
}

/** Rows of a table; only those are widened to float32, so that the table itself stays in its file. */
function gatherRows(graph: Graph, weights: Weights, name: string, rows: Value): Value {
  return graph.op.Cast(graph.op.Gather(graph.rawWeight(weights.get(name)), rows), { to: elementTypeCode('float32') });
}

/** One block: `hidden [prompts, length, width]` and `bias` in, `hidden_after` out. */
export function blockGraph(weights: Weights, config: T5Config, block: number, kernel: AttentionKernel): Model {
  const graph = new Graph(`t5.block.${block}`, attentionOpset(kernel));
  const scope = { graph, weights: weights.scope(`encoder.block.${block}.layer`), linear: linearFp32 };
  const hidden = graph.input('hidden', ['prompts', 'length', config.hiddenSize]);
  const bias = graph.input('bias', ['prompts', config.numHeads, 'length', 'length']);
  const attended = selfAttention(within(scope, '0'), config, hidden, bias, kernel);
  graph.output('hidden_after', feedForward(within(scope, '1'), config, attended));
  return graph.build();
}

/** After the blocks: the last norm. */
export function outputGraph(weights: Weights, config: T5Config): Model {
  const graph = new Graph('t5.output');
  const scope = { graph, weights: weights.scope('encoder'), linear: linearFp32 };
  const hidden = graph.input('hidden', ['prompts', 'length', config.hiddenSize]);
  graph.output('hidden_after', rmsNorm(scope, hidden, 'final_layer_norm', config.epsilon));
  return graph.build();
}

/** h + o(softmax(q k^T + bias) v), with q, k and v from RMSNorm(h). */
function selfAttention(scope: Scope, config: T5Config, hidden: Value, bias: Value, kernel: AttentionKernel): Value {
  const { hiddenSize, numHeads: heads, headSize } = config;
  const x = rmsNorm(scope, hidden, 'layer_norm', config.epsilon);
  const linear = (input: Value, width: number, name: string) =>
    overRows(scope, input, width, (rows) => scope.linear(scope, rows, `SelfAttention.${name}`));
  const [q, k, v] = ['q', 'k', 'v'].map((name) => linear(x, hiddenSize, name)) as [Value, Value, Value];
  const mixed = attention(scope.graph, q, k, v, { heads, headSize, kernel, scale: 1, bias });
  return scope.graph.op.Add(hidden, linear(mixed, heads * headSize, 'o'));
}

/** h + wo(gelu(wi_0(x)) wi_1(x)), with x = RMSNorm(h). */
function feedForward(scope: Scope, config: T5Config, hidden: Value): Value {
  const { op } = scope.graph;
  const x = rmsNorm(scope, hidden, 'layer_norm', config.epsilon);
  const added = overRows(scope, x, config.hiddenSize, (rows) => {
    const linear = (input: Value, name: string) => scope.linear(scope, input, `DenseReluDense.${name}`);
    return linear(op.Mul(gelu(scope, linear(rows, 'wi_0')), linear(rows, 'wi_1')), 'wo');
  });
  return op.Add(hidden, added);
}
