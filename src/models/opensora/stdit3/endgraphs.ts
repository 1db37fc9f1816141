/** The graphs around the blocks: the layers of `ends.ts` with named inputs and outputs. */
import { linearFp32 } from '../../../nn/linear.ts';
import type { Scope } from '../../../nn/scope.ts';
import { Graph, type Model } from '../../../onnx/graph.ts';
import type { Weights } from '../../../weights/checkpoint.ts';
import type { Stdit3Config } from './config.ts';
import * as ends from './ends.ts';
import { sinusoidSize } from './positions.ts';

const scopeOf = (name: string, weights: Weights): Scope => ({
  graph: new Graph(name),
  weights,
  linear: linearFp32,
});

/** Latents to tokens; `doubled` repeats the batch for the unconditional half. */
export function patchGraph(weights: Weights, config: Stdit3Config, size: ends.LatentSize, doubled: boolean): Model {
  const scope = scopeOf('patches', weights);
  const { graph } = scope;
  const latents = graph.input('latents', ['batch', config.inChannels, 'frames', size.height, size.width]);
  const positions = graph.input('positions', [1, 1, 'tokens', config.hiddenSize]);
  const batch = doubled ? graph.op.Concat(latents, latents, { axis: 0 }) : latents;
  graph.output('hidden', ends.patchEmbedding(scope, config, batch, positions, size));
  return graph.build();
}

/** Times and frame rates to the time embedding and the blocks' modulation. */
export function timeGraph(weights: Weights, config: Stdit3Config): Model {
  const scope = scopeOf('time', weights);
  const times = scope.graph.input('times', ['batch', 'rows', sinusoidSize]);
  const rates = scope.graph.input('rates', ['batch', 1, sinusoidSize]);
  for (const [name, value] of Object.entries(ends.timeEmbedding(scope, config, times, rates)))
    scope.graph.output(name, value);
  return scope.graph.build();
}

/** Text states to caption tokens. */
export function captionTokensGraph(weights: Weights, config: Stdit3Config): Model {
  const scope = scopeOf('caption', weights);
  const states = scope.graph.input('states', ['batch', 'length', config.captionChannels]);
  scope.graph.output('tokens', ends.captionEmbedding(scope, config, states));
  return scope.graph.build();
}

/**
 * The last hidden state to the network's output; `given` for a batch in which some frames are not denoised. An embedding may
 * be one for all samples, so neither has the batch's dimension.
 */
export function finalGraph(weights: Weights, config: Stdit3Config, size: ends.LatentSize, given: boolean): Model {
  const scope = scopeOf('final', weights);
  const { graph } = scope;
  const hidden = graph.input('hidden', ['batch', 'frames', 'tokens', config.hiddenSize]);
  const embedding = graph.input('embedding', ['times', 1, config.hiddenSize]);
  const frames = given && {
    mask: graph.input('mask', ['batch', 'frames', 1, 1]),
    embedding: graph.input('given', ['given times', 1, config.hiddenSize]),
  };
  const { tokens, output } = ends.finalLayer(scope, config, hidden, embedding, size, frames || undefined);
  graph.output('tokens', tokens);
  graph.output('output', output);
  return graph.build();
}
