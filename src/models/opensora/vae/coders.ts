/**
 * The graphs of the two VAEs as async functions from clip to clip. A graph is compiled when it is first used.
 *
 * Invariants: what goes in and out is `[1, channels, frames, height, width]`, and everything between is in the graph:
 * latents are scaled there, and for the spatial VAE frames become the batch there. Chunks and batches are `index.ts`'s.
 */

import { type Clip, clipOf, concatFrames, dimsOf, sliceFrames, zeroFrames } from '../../../clip.ts';
import { linearFp32 } from '../../../nn/linear.ts';
import type { Scope } from '../../../nn/scope.ts';
import { Graph, type Model, type Value } from '../../../onnx/graph.ts';
import type { Runtime, Session, Tensor } from '../../../runtime/runtime.ts';
import { sessionCache } from '../../../runtime/sessions.ts';
import type { Weights } from '../../../weights/checkpoint.ts';
import { type SpatialVaeConfig, spatialFactor, type TemporalVaeConfig, temporalFactor } from './config.ts';
import { posterior } from './posterior.ts';
import { spatialDecoder, spatialEncoder, spatialFeatures } from './spatial.ts';
import { temporalDecoder, temporalEncoder } from './temporal.ts';

/** An encoder's prediction in its own units, and the sample that some noise makes of it, scaled for the next model. */
export interface Encoded {
  mean: Clip;
  logvar: Clip;
  sample: Clip;
}

/** One VAE on clips. */
export interface Coder {
  decode(latents: Clip): Promise<Clip>;
  /** `noise` is standard normal, in the order of the network's own output. */
  encode(clip: Clip, noise: Float32Array): Promise<Encoded>;
  /** Dims of the noise, and so of the latents, in the layout of the network. */
  noiseDims(clip: Clip): number[];
  /** Frees the sessions; using the coder again makes them anew. */
  dispose(): Promise<void>;
}

/** How latents are scaled between a VAE and the model after it: `unscale` before decoding, `scale` after encoding. */
export interface LatentScale {
  unscale(graph: Graph, latents: Value): Value;
  scale(graph: Graph, latents: Value): Value;
}

/** What distinguishes one VAE from the other. */
interface Network extends LatentScale {
  name: string;
  decoder(scope: Scope, latents: Value): Value;
  /** Writes the encoder; it returns mean and log-variance along axis 1. */
  encoder(scope: Scope, clip: Value): Value;
  /** From a clip's layout to the one that the network works in, and back. */
  enter(graph: Graph, clip: Value): Value;
  leave(graph: Graph, value: Value): Value;
  noiseDims(clip: Clip): number[];
}

/** The spatial VAE; its encoder also shows what it sees on the way. */
export interface SpatialCoder extends Coder {
  /** The encoder's hidden states, one clip per resolution, finest first. */
  features(clip: Clip): Promise<Clip[]>;
}

/** The spatial VAE on all frames of a clip in one batch. The latents outside are those inside times `scalingFactor`. */
export function spatialCoder(
  runtime: Runtime,
  weights: Weights,
  config: SpatialVaeConfig & { scalingFactor: number },
): SpatialCoder {
  const factor = spatialFactor(config);
  const attentionKernel = runtime.attentionKernel(Number.POSITIVE_INFINITY); // for any size: 14400 tokens at 720p
  const options = { ...config, attentionKernel };
  const network: Network = {
    name: 'spatial VAE',
    decoder: (scope, latents) => spatialDecoder(scope, latents, options),
    encoder: (scope, clip) => spatialEncoder(scope, clip, options),
    unscale: (graph, latents) => graph.op.Div(latents, graph.constant(config.scalingFactor)),
    scale: (graph, latents) => graph.op.Mul(latents, graph.constant(config.scalingFactor)),
    enter: ({ op }, clip) => op.Transpose(op.Squeeze(clip, [0]), { perm: [1, 0, 2, 3] }),
    leave: ({ op }, value) => op.Unsqueeze(op.Transpose(value, { perm: [1, 0, 2, 3] }), [0]),
    noiseDims: ({ frames, height, width }) => [
      frames,
      config.latentChannels,
      Math.floor(height / factor),
      Math.floor(width / factor),
    ],
  };
  const ends = coder(runtime, weights, network);
  const sessions = sessionCache(runtime);
  return {
    ...ends,
    async features(clip) {
      const session = await sessions.get('features', () => featuresModel(network, scopeOf(weights), config));
      const levels = await runOnce(runtime, session, { clip: runtime.tensor(clip.data, dimsOf(clip)) });
      return config.blockOutChannels.map((_, level) => levels[`level_${level}`]!);
    },
    async dispose() {
      await sessions.dispose();
      await ends.dispose();
    },
  };
}

/** The temporal VAE on one chunk of frames. */
export interface TemporalCoder extends Omit<Coder, 'decode'> {
  /** `frames` is how many are wanted: what the latents hold beyond a multiple of the factor is cut at the front. */
  decode(latents: Clip, frames: number): Promise<Clip>;
}

/** The temporal VAE; without `scale` the latents are its own. */
export function temporalCoder(
  runtime: Runtime,
  weights: Weights,
  config: TemporalVaeConfig,
  scale: LatentScale = { unscale: (_, latents) => latents, scale: (_, latents) => latents },
): TemporalCoder {
  const factor = temporalFactor(config);
  const padding = (frames: number) => (factor - (frames % factor)) % factor;
  const { decode, encode, dispose, noiseDims } = coder(runtime, weights, {
    name: 'temporal VAE',
    decoder: (scope, latents) => temporalDecoder(scope, latents, config),
    encoder: (scope, clip) => temporalEncoder(scope, clip, config),
    ...scale,
    enter: (_, clip) => clip,
    leave: (_, value) => value,
    noiseDims: ({ frames, height, width }) => [1, config.embedChannels, Math.ceil(frames / factor), height, width],
  });
  return {
    decode: async (latents, frames) => sliceFrames(await decode(latents), padding(frames)),
    encode: (clip, noise) => encode(concatFrames([zeroFrames(clip, padding(clip.frames)), clip]), noise),
    noiseDims,
    dispose,
  };
}

function coder(runtime: Runtime, weights: Weights, network: Network): Coder {
  const sessions = sessionCache(runtime);
  const tensorOf = (clip: Clip) => runtime.tensor(clip.data, dimsOf(clip));
  return {
    async decode(latents) {
      const session = await sessions.get('decoder', () => decoderModel(network, scopeOf(weights)), { spinning: true });
      const { clip } = await runOnce(runtime, session, { latents: tensorOf(latents) });
      return clip!;
    },
    async encode(clip, noise) {
      const session = await sessions.get('encoder', () => encoderModel(network, scopeOf(weights)));
      const feeds = { clip: tensorOf(clip), noise: runtime.tensor(noise, network.noiseDims(clip)) };
      const { mean, logvar, sample } = await runOnce(runtime, session, feeds);
      return { mean: mean!, logvar: logvar!, sample: sample! };
    },
    noiseDims: network.noiseDims,
    dispose: sessions.dispose,
  };
}

const scopeOf =
  (weights: Weights) =>
  (graph: Graph): Scope => ({ graph, weights, linear: linearFp32 });

function decoderModel(network: Network, scopeOf: (graph: Graph) => Scope): Model {
  const graph = new Graph(`${network.name} decoder`);
  const latents = graph.input('latents', [1, 'channels', 'frames', 'height', 'width']);
  const z = network.enter(graph, network.unscale(graph, latents));
  graph.output('clip', network.leave(graph, network.decoder(scopeOf(graph), z)));
  return graph.build();
}

function encoderModel(network: Network, scopeOf: (graph: Graph) => Scope): Model {
  const graph = new Graph(`${network.name} encoder`);
  const clip = graph.input('clip', [1, 'channels', 'frames', 'height', 'width']);
  const noise = graph.input('noise');
  const moments = network.encoder(scopeOf(graph), network.enter(graph, clip));
  const { mean, logvar, sample } = posterior(graph, moments, noise);
  graph.output('mean', network.leave(graph, mean));
  graph.output('logvar', network.leave(graph, logvar));
  graph.output('sample', network.scale(graph, network.leave(graph, sample)));
  return graph.build();
}

function featuresModel(network: Network, scopeOf: (graph: Graph) => Scope, config: SpatialVaeConfig): Model {
  const graph = new Graph(`${network.name} features`);
  const clip = graph.input('clip', [1, 'channels', 'frames', 'height', 'width']);
  const levels = spatialFeatures(scopeOf(graph), network.enter(graph, clip), config);
  for (const [level, value] of levels.entries()) graph.output(`level_${level}`, network.leave(graph, value));
  return graph.build();
}

/** Runs a session whose inputs and outputs nobody else holds. */
async function runOnce(
  runtime: Runtime,
  session: Session,
  feeds: Record<string, Tensor>,
): Promise<Record<string, Clip>> {
  const clips: Record<string, Clip> = {};
  const outputs = await session.run(feeds);
  for (const [name, tensor] of Object.entries(outputs)) clips[name] = clipOf(await runtime.read(tensor), tensor.dims);
  for (const tensor of [...Object.values(feeds), ...Object.values(outputs)]) tensor.dispose();
  return clips;
}
