/**
 * Our fp32 modules against the same modules as one would write the ONNX file by hand: three-dimensional tensors, MatMul
 * with a transposed weight and Add for every linear layer, default session options with prepacked weights. Both run in
 * turn on the same numbers; the speed of ours is given as a fraction of the hand-written one's.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseStdit3Config, type Stdit3Config } from '../models/opensora/stdit3/config.ts';
import { blocksOf, moduleGraph } from '../models/opensora/stdit3/modules.ts';
import { attention } from '../nn/attention.ts';
import { linearFp32 } from '../nn/linear.ts';
import { Graph, type Model, type Value } from '../onnx/graph.ts';
import { createRuntime } from '../runtime/node.ts';
import type { Runtime, Session, Tensor } from '../runtime/runtime.ts';
import { torchGenerator } from '../samplers/random.ts';
import { openCheckpoint, type Weights } from '../weights/checkpoint.ts';
import { writeSafetensors } from '../weights/safetensors.ts';
import { describeMachine, type Machine, median } from './machine.ts';

export interface HandwrittenMeasurement {
  readonly module: string;
  /** Median milliseconds. */
  readonly ours: number;
  readonly handwritten: number;
  /** The hand-written module's processor time over ours, least of all rounds: 1 is as fast, above 1 is faster. */
  readonly fraction: number;
  /** Largest difference of the results over the largest value. */
  readonly difference: number;
}

export interface HandwrittenResult {
  readonly machine: Machine;
  readonly shape: readonly [number, number, number];
  readonly hiddenSize: number;
  readonly modules: readonly HandwrittenMeasurement[];
}

/** Measures the spatial attention and the feed-forward of one block of XL/2 width on `[batch, frames, tokens]`. */
export async function benchHandwritten(
  rounds = 10,
  shape: readonly [number, number, number] = [1, 15, 144],
): Promise<HandwrittenResult> {
  const runtime = await createRuntime();
  const folder = await mkdtemp(join(tmpdir(), 'quantcache-handwritten-'));
  try {
    const config = parseStdit3Config({ depth: 1 });
    const weights = await blockWeights(join(folder, 'block.safetensors'), config);
    const numerics = { weights, linear: linearFp32, integer: false, rowwise: true };
    const [block] = blocksOf(config);
    const modules: HandwrittenMeasurement[] = [];
    for (const [index, write] of [
      [0, handwrittenAttention],
      [2, handwrittenFeedForward],
    ] as const) {
      const node = block!.children![index]!;
      const kernel = runtime.attentionKernel(config.numHeads * shape[1] * shape[2] ** 2);
      const form = { precision: 'fp32', outputs: ['hidden'], kernel, padded: false, pieces: 1, slices: 1 } as const;
      const ours = await runtime.compile(moduleGraph(node, numerics, config, form));
      const theirs = await runtime.compile(write(weights.scope('spatial_blocks.0'), config, shape), { prepack: true });
      modules.push({
        module: node.path,
        ...(await compare(runtime, ours, theirs, feedsFor(runtime, config, shape), rounds)),
      });
      await ours.release();
      await theirs.release();
    }
    return { machine: describeMachine(runtime), shape, hiddenSize: config.hiddenSize, modules };
  } finally {
    await runtime[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  }
}

/** One block's weights, each linear weight also transposed as `<name>.transposed`. */
async function blockWeights(file: string, { hiddenSize: d, mlpSize, headSize }: Stdit3Config): Promise<Weights> {
  const { randn } = torchGenerator(1);
  const tensors: { name: string; shape: number[]; dtype: 'F32'; data: Float32Array }[] = [];
  const add = (name: string, shape: number[], data: Float32Array) =>
    tensors.push({ name: `spatial_blocks.0.${name}`, shape, dtype: 'F32', data });
  const linear = (name: string, inputs: number, outputs: number) => {
    const weight = randn(inputs * outputs).map((value) => value / Math.sqrt(inputs));
    add(`${name}.weight`, [outputs, inputs], weight);
    add(
      `${name}.transposed`,
      [inputs, outputs],
      Float32Array.from(weight, (_, i) => weight[(i % outputs) * inputs + Math.floor(i / outputs)]!),
    );
    add(`${name}.bias`, [outputs], randn(outputs));
  };
  linear('attn.qkv', d, 3 * d);
  linear('attn.proj', d, d);
  linear('mlp.fc1', d, mlpSize);
  linear('mlp.fc2', mlpSize, d);
  for (const norm of ['q_norm', 'k_norm']) add(`attn.${norm}.weight`, [headSize], new Float32Array(headSize).fill(1));
  add(
    'scale_shift_table',
    [6, d],
    randn(6 * d).map((value) => value / Math.sqrt(d)),
  );
  await writeSafetensors(file, tensors);
  return openCheckpoint(file);
}

/** shift, scale and gate as `[batch, 1, width]`, and the modulated norm of `x`, on `[batch, tokens, width]`. */
function handwrittenStart(
  graph: Graph,
  weights: Weights,
  { hiddenSize: d }: Stdit3Config,
  first: number,
  [batch, frames, tokens]: readonly number[],
) {
  const { op } = graph;
  const x = op.Reshape(graph.input('x', [batch!, frames!, tokens!, d]), [batch! * frames!, tokens!, d]);
  const rows = op.Add(
    op.Reshape(graph.input('modulation', [batch!, 1, 6 * d]), [batch!, 6, d]),
    graph.weight(weights.get('scale_shift_table')),
  );
  const [shift, scale, gate] = [0, 1, 2].map((i) => op.Slice(rows, [first + i], [first + i + 1], [1]));
  const norm = op.LayerNormalization(x, graph.constant(new Float32Array(d).fill(1)), { axis: -1, epsilon: 1e-6 });
  return { x, gate: gate!, normed: op.Add(op.Mul(norm, op.Add(scale!, graph.constant(1))), shift!) };
}

const handwrittenLinear = (graph: Graph, weights: Weights, x: Value, name: string): Value =>
  graph.op.Add(
    graph.op.MatMul(x, graph.weight(weights.get(`${name}.transposed`))),
    graph.weight(weights.get(`${name}.bias`)),
  );

function handwrittenFeedForward(weights: Weights, config: Stdit3Config, shape: readonly number[]): Model {
  const graph = new Graph('handwritten feed-forward');
  const { x, gate, normed } = handwrittenStart(graph, weights, config, 3, shape);
  const inner = graph.op.Gelu(handwrittenLinear(graph, weights, normed, 'mlp.fc1'), { approximate: 'tanh' });
  const sum = graph.op.Add(x, graph.op.Mul(gate, handwrittenLinear(graph, weights, inner, 'mlp.fc2')));
  graph.output('hidden', graph.op.Reshape(sum, [...shape, config.hiddenSize]));
  return graph.build();
}

function handwrittenAttention(weights: Weights, config: Stdit3Config, shape: readonly number[]): Model {
  const graph = new Graph('handwritten attention');
  const { op } = graph;
  const { numHeads, headSize, hiddenSize } = config;
  const { x, gate, normed } = handwrittenStart(graph, weights, config, 0, shape);
  const parts = graph.node(
    'Split',
    [handwrittenLinear(graph, weights, normed, 'attn.qkv')],
    { axis: 2, num_outputs: 3 },
    3,
  );
  const perHead = (value: Value, name: string) => {
    const heads = op.Reshape(value, [0, 0, numHeads, headSize]);
    const norm = op.SimplifiedLayerNormalization(heads, graph.weight(weights.get(`attn.${name}.weight`)), {
      axis: -1,
      epsilon: 1e-6,
    });
    return op.Reshape(norm, [0, 0, hiddenSize]);
  };
  const mixed = attention(graph, perHead(parts[0]!, 'q_norm'), perHead(parts[1]!, 'k_norm'), parts[2]!, {
    heads: numHeads,
    headSize,
    kernel: 'flash',
  });
  const sum = op.Add(x, op.Mul(gate, handwrittenLinear(graph, weights, mixed, 'attn.proj')));
  graph.output('hidden', op.Reshape(sum, [...shape, hiddenSize]));
  return graph.build();
}

function feedsFor(runtime: Runtime, { hiddenSize: d }: Stdit3Config, shape: readonly number[]): Record<string, Tensor> {
  const { randn } = torchGenerator(2);
  const rows = shape.reduce((product, size) => product * size, 1);
  return { x: runtime.tensor(randn(rows * d), [...shape, d]), modulation: runtime.tensor(randn(6 * d), [1, 1, 6 * d]) };
}

async function compare(
  runtime: Runtime,
  ours: Session,
  theirs: Session,
  feeds: Record<string, Tensor>,
  rounds: number,
) {
  const measured = {
    ours: { wall: [] as number[], processor: [] as number[] },
    theirs: { wall: [] as number[], processor: [] as number[] },
  };
  const [a, b] = [
    await runtime.read((await ours.run(feeds)).hidden!),
    await runtime.read((await theirs.run(feeds)).hidden!),
  ];
  for (let round = 0; round < rounds; round++) {
    for (const [name, session] of [
      ['ours', ours],
      ['theirs', theirs],
    ] as const) {
      const [cpu, wall] = [process.cpuUsage(), performance.now()];
      const { hidden } = await session.run(feeds);
      const { user, system } = process.cpuUsage(cpu);
      measured[name].wall.push(performance.now() - wall);
      measured[name].processor.push(user + system);
      hidden!.dispose();
    }
  }
  return {
    ours: median(measured.ours.wall),
    handwritten: median(measured.theirs.wall),
    fraction: Math.min(...measured.theirs.processor) / Math.min(...measured.ours.processor),
    difference: largest(a, (value, i) => value - b[i]!) / largest(b, (value) => value),
  };
}

const largest = (values: Float32Array, of: (value: number, i: number) => number): number =>
  values.reduce((most, value, i) => Math.max(most, Math.abs(of(value, i))), 0);
