/** The tree of an STDiT3 and the graph of each of its modules: what goes in, what comes out. */
import type { Node, Precision, Role } from '../../../model.ts';
import { attentionOpset } from '../../../nn/attention.ts';
import { linearFp32 } from '../../../nn/linear.ts';
import type { Scope } from '../../../nn/scope.ts';
import { Graph, type Model, type Value, type Values } from '../../../onnx/graph.ts';
import type { LinearLayer, LinearRole } from '../../../quantization/layers.ts';
import type { Numerics } from '../../../quantization/quantizer.ts';
import type { AttentionKernel } from '../../../runtime/runtime.ts';
import type { Weights } from '../../../weights/checkpoint.ts';
import * as block from './block.ts';
import type { Stdit3Config } from './config.ts';
import { eachFrame, eachPlace, type Pieces } from './pieces.ts';

/** What a module's graph can give: the new hidden state, what was added, the attention before its gate. */
export type ModuleOutput = 'hidden' | 'residual' | 'ungated';

/** The outputs of a module that were asked for. */
type Results = Partial<Record<ModuleOutput, Value>> & Values;

/** How a module's graph is to be written. */
export interface ModuleForm extends Pieces {
  readonly precision: Precision;
  readonly outputs: readonly ModuleOutput[];
  readonly kernel: AttentionKernel;
  /** Captions of one batch differ in length. */
  readonly padded: boolean;
}

/** Spatial and temporal blocks in the order they run; a node's path is the prefix of its weights. */
export function blocksOf(config: Stdit3Config): Node[] {
  return Array.from({ length: config.depth }, (_, index) => [
    blockNode(`spatial_blocks.${index}`, 'spatial-block', 'spatial-attention', index),
    blockNode(`temporal_blocks.${index}`, 'temporal-block', 'temporal-attention', index),
  ]).flat();
}

function blockNode(path: string, kind: string, attention: string, index: number): Node {
  const module = (name: string, role: Role, moduleKind: string = role): Node => ({
    path: `${path}.${name}`,
    level: 'module',
    kind: moduleKind,
    role,
    index,
  });
  const children = [
    module('attn', 'self-attention', attention),
    module('cross_attn', 'cross-attention'),
    module('mlp', 'feed-forward'),
  ];
  return { path, level: 'block', kind, index, children };
}

/** The path of the block that a module belongs to. */
export const blockPath = (node: Node): string => node.path.slice(0, node.path.lastIndexOf('.'));

/** The linear layers of the modules: what a quantizer packs. */
export const linearLayers = (config: Stdit3Config): LinearLayer[] =>
  blocksOf(config).flatMap(({ path }) => blockLayers.map(([name, role]) => ({ name: `${path}.${name}`, role })));

const blockLayers: readonly [string, LinearRole][] = [
  ['attn.qkv', 'attention-input'],
  ['attn.proj', 'attention-output'],
  ['cross_attn.q_linear', 'query'],
  ['cross_attn.proj', 'attention-output'],
  ['mlp.fc1', 'feed-forward-input'],
  ['mlp.fc2', 'feed-forward-output'],
];

/** A module's graph: the hidden state `x` and its conditioning in, the outputs asked for out. */
export function moduleGraph(node: Node, numerics: Numerics, config: Stdit3Config, form: ModuleForm): Model {
  const graph = new Graph(node.path, attentionOpset(form.kernel));
  const hidden = graph.input('x', ['batch', 'frames', 'tokens', config.hiddenSize]);
  const inputs = inputsOf(graph, config);
  const values = writeModule(node, graph, numerics, config, form, inputs, hidden);
  for (const output of form.outputs) graph.output(output, values[output]!);
  return graph.build();
}

/** The name of what a node added as an output of a graph of several modules. */
export const residualOutput = (node: Node): string => `${node.path}.residual`;

/** The name of the residual that is added as so manieth part of a graph, as its input. */
export const addedInput = (part: number): string => `added.${part}`;

/** A part of a graph of several: a module and how it is written, a residual to add, or an edge of a node. */
export type SequencePart =
  | { readonly module: Node; readonly numerics: Numerics; readonly form: ModuleForm }
  | 'added'
  | { readonly begin: Node }
  | { readonly end: Node };

/** Modules that follow each other, and residuals added between them, from the hidden state `x` to the hidden state `hidden`. */
export function sequenceGraph(parts: readonly SequencePart[], config: Stdit3Config): Model {
  const modules = parts.flatMap((part) => (part !== 'added' && 'module' in part ? [part] : []));
  const graph = new Graph(modules[0]!.module.path, Math.max(...modules.map(({ form }) => attentionOpset(form.kernel))));
  /** Hidden states before nodes that have begun, the innermost last. */
  const before: Value[] = [];
  const inputs = inputsOf(graph, config);
  let hidden = graph.input('x', ['batch', 'frames', 'tokens', config.hiddenSize]);
  for (const [i, part] of parts.entries()) {
    if (part === 'added')
      hidden = graph.op.Add(hidden, graph.input(addedInput(i), ['batch', 'frames', 'tokens', config.hiddenSize]));
    else if ('begin' in part) before.push(hidden);
    else if ('end' in part) graph.output(residualOutput(part.end), graph.op.Sub(hidden, before.pop()!));
    else {
      const { module, numerics, form } = part;
      const results = writeModule(module, graph, numerics, config, form, inputs, hidden);
      if (results.residual) graph.output(residualOutput(module), results.residual);
      hidden = results.hidden!;
    }
  }
  graph.output('hidden', hidden);
  return graph.build();
}

/**
 * What modules are conditioned on, each declared as an input of the graph when it is first used. A modulation may be one for
 * all samples.
 */
function inputsOf(graph: Graph, config: Stdit3Config) {
  const declared = new Map<string, Value>();
  const input = (name: string, shape: readonly (string | number)[]): Value => {
    const value = declared.get(name) ?? graph.input(name, shape);
    declared.set(name, value);
    return value;
  };
  const table = (name: string) => input(name, ['frames', config.headSize / 2]);
  return {
    modulation: () => input('modulation', ['times', 'rows', 6 * config.hiddenSize]),
    rotary: () => ({ cos: table('cos'), sin: table('sin') }),
    caption(block: string, padded: boolean) {
      const rows = (name: string) => input(captionInput(block, name), ['batch', 'length', config.hiddenSize]);
      const used = padded ? input('used', ['batch', 'length']) : undefined;
      return { keys: rows('keys'), values: rows('values'), ...(used && { used }) };
    },
  };
}

/** The name of a block's keys or values as inputs of a graph. */
export const captionInput = (block: string, name: string): string => `${block}.${name}`;

function writeModule(
  node: Node,
  graph: Graph,
  { weights, linear, integer }: Numerics,
  config: Stdit3Config,
  { kernel, padded, outputs, pieces, slices }: ModuleForm,
  inputs: ReturnType<typeof inputsOf>,
  hidden: Value,
): Results {
  const path = blockPath(node);
  const scope: Scope = { graph, weights: weights.scope(path), linear, relaxed: integer, slices };
  const modulation = (part: block.ModulationPart) => block.modulationOf(scope, config, inputs.modulation(), part);
  const asked = (results: Results): Results => Object.fromEntries(outputs.map((name) => [name, results[name]!]));
  switch (node.kind) {
    case 'spatial-attention':
      return eachFrame(scope, pieces, { hidden, modulation: modulation('attention'), caption: {} }, (inner, x, own) =>
        asked(block.selfAttention(inner, config, x, own, kernel)),
      );
    case 'temporal-attention': {
      const rotary = inputs.rotary();
      return eachPlace(scope, pieces, { hidden, modulation: modulation('attention') }, (inner, x, own) =>
        asked(block.selfAttention(inner, config, x, own, kernel, rotary)),
      );
    }
    case 'cross-attention': {
      const caption = inputs.caption(path, padded);
      return eachFrame(scope, pieces, { hidden, modulation: {}, caption }, (inner, x, _, own) =>
        asked(block.crossAttention(inner, config, x, own, kernel)),
      );
    }
    case 'feed-forward':
      return eachFrame(
        scope,
        pieces,
        { hidden, modulation: modulation('feed-forward'), caption: {} },
        (inner, x, own) => asked(block.feedForward(inner, config, x, own)),
      );
    default:
      throw new TypeError(`STDiT3 has no module of kind ${node.kind}.`);
  }
}

/** What the self-attention of a block sees, as a graph of its own. */
export function modulatedInputGraph(path: string, weights: Weights, config: Stdit3Config): Model {
  const graph = new Graph(`${path}.modulated-input`);
  const scope = { graph, weights: weights.scope(path), linear: linearFp32 };
  const hidden = graph.input('x', ['batch', 'frames', 'tokens', config.hiddenSize]);
  const modulation = graph.input('modulation', ['times', 'rows', 6 * config.hiddenSize]);
  graph.output('modulated', block.modulatedInput(scope, config, hidden, modulation));
  return graph.build();
}

/** A block's keys and values for cross-attention, from caption tokens. */
export function captionGraph(path: string, weights: Weights, config: Stdit3Config): Model {
  const graph = new Graph(`${path}.caption`);
  const scope = { graph, weights: weights.scope(path), linear: linearFp32 };
  const caption = graph.input('caption', ['batch', 'length', config.hiddenSize]);
  const { keys, values } = block.captionKeysAndValues(scope, config, caption);
  graph.output(captionInput(path, 'keys'), keys);
  graph.output(captionInput(path, 'values'), values);
  return graph.build();
}
