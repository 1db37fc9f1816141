/** The tree of an STDiT3 and the graph of each of its modules: what goes in, what comes out. */
import type { Kind, Node, Precision } from '../../../model.ts';
import { attentionOpset } from '../../../nn/attention.ts';
import { linearFp32 } from '../../../nn/linear.ts';
import type { Scope } from '../../../nn/scope.ts';
import { Graph, type Model, type Value } from '../../../onnx/graph.ts';
import type { Numerics } from '../../../quantization/quantizer.ts';
import type { AttentionKernel } from '../../../runtime/runtime.ts';
import type { Weights } from '../../../weights/checkpoint.ts';
import * as block from './block.ts';
import type { Stdit3Config } from './config.ts';

/** What a module's graph can give: the new hidden state, what was added, the attention before its gate. */
export type ModuleOutput = 'hidden' | 'residual' | 'ungated';

/** How a module's graph is to be written. */
export interface ModuleForm {
  readonly precision: Precision;
  readonly outputs: readonly ModuleOutput[];
  readonly kernel: AttentionKernel;
  /** Captions of one batch differ in length. */
  readonly padded: boolean;
  /** Slices of rows that linear layers are computed in, so that they stay in cache; 1, or a divisor of the rows. */
  readonly slices: number;
}

/** Spatial and temporal blocks in the order they run; a node's path is the prefix of its weights. */
export function blocksOf(config: Stdit3Config): Node[] {
  return Array.from({ length: config.depth }, (_, index) => [
    blockNode(`spatial_blocks.${index}`, 'spatial-block', 'spatial-attention', index),
    blockNode(`temporal_blocks.${index}`, 'temporal-block', 'temporal-attention', index),
  ]).flat();
}

function blockNode(path: string, kind: Kind, attention: Kind, index: number): Node {
  const module = (name: string, moduleKind: Kind): Node => ({
    path: `${path}.${name}`,
    level: 'module',
    kind: moduleKind,
    index,
  });
  const children = [module('attn', attention), module('cross_attn', 'cross-attention'), module('mlp', 'feed-forward')];
  return { path, level: 'block', kind, index, children };
}

/** The path of the block that a module belongs to. */
export const blockPath = (node: Node): string => node.path.slice(0, node.path.lastIndexOf('.'));

/** The linear layers of the modules, by the full names of their weights: what a quantizer packs. */
export function linearLayers(config: Stdit3Config): string[] {
  const layers = ['attn.qkv', 'attn.proj', 'cross_attn.q_linear', 'cross_attn.proj', 'mlp.fc1', 'mlp.fc2'];
  return blocksOf(config).flatMap(({ path }) => layers.map((layer) => `${path}.${layer}`));
}

/** A module's graph: the hidden state `x` and its conditioning in, the outputs asked for out. */
export function moduleGraph(node: Node, numerics: Numerics, config: Stdit3Config, form: ModuleForm): Model {
  const graph = new Graph(node.path, attentionOpset(form.kernel));
  const { linear, integer } = numerics;
  const weights = numerics.weights.scope(blockPath(node));
  const scope: Scope = { graph, weights, linear, relaxed: integer, slices: form.slices };
  const hidden = graph.input('x', ['batch', 'frames', 'tokens', config.hiddenSize]);
  const values: Partial<Record<ModuleOutput, Value>> = writeModule(node.kind, scope, config, hidden, form);
  for (const output of form.outputs) graph.output(output, values[output]!);
  return graph.build();
}

function writeModule(kind: Kind, scope: Scope, config: Stdit3Config, hidden: Value, form: ModuleForm) {
  const { graph } = scope;
  const modulation = () => graph.input('modulation', ['batch', 'rows', 6 * config.hiddenSize]);
  switch (kind) {
    case 'spatial-attention':
      return block.spatialAttention(scope, config, hidden, modulation(), form.kernel);
    case 'temporal-attention': {
      const table = (name: string) => graph.input(name, ['frames', config.headSize / 2]);
      return block.temporalAttention(scope, config, hidden, modulation(), form.kernel, {
        cos: table('cos'),
        sin: table('sin'),
      });
    }
    case 'cross-attention': {
      const rows = (name: string) => graph.input(name, ['batch', 'length', config.hiddenSize]);
      const bias = form.padded ? graph.input('bias', ['batch', 1, 1, 'length']) : undefined;
      return block.crossAttention(
        scope,
        config,
        hidden,
        { keys: rows('keys'), values: rows('values'), bias },
        form.kernel,
      );
    }
    case 'feed-forward':
      return block.feedForward(scope, config, hidden, modulation());
    default:
      throw new TypeError(`STDiT3 has no module of kind ${kind}.`);
  }
}

/** What the self-attention of a block sees, as a graph of its own. */
export function modulatedInputGraph(path: string, weights: Weights, config: Stdit3Config): Model {
  const graph = new Graph(`${path}.modulated-input`);
  const scope = { graph, weights: weights.scope(path), linear: linearFp32 };
  const hidden = graph.input('x', ['batch', 'frames', 'tokens', config.hiddenSize]);
  const modulation = graph.input('modulation', ['batch', 'rows', 6 * config.hiddenSize]);
  graph.output('modulated', block.modulatedInput(scope, config, hidden, modulation));
  return graph.build();
}

/** A block's keys and values for cross-attention, from caption tokens. */
export function captionGraph(path: string, weights: Weights, config: Stdit3Config): Model {
  const graph = new Graph(`${path}.caption`);
  const scope = { graph, weights: weights.scope(path), linear: linearFp32 };
  const caption = graph.input('caption', ['batch', 'length', config.hiddenSize]);
  const { keys, values } = block.captionKeysAndValues(scope, config, caption);
  graph.output('keys', keys);
  graph.output('values', values);
  return graph.build();
}
