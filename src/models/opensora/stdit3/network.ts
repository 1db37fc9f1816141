/**
 * STDiT3 on a runtime: its blocks as a tree, and evaluations of it for one generation at a time.
 *
 * One session per module, precision and set of outputs, made on first use, its weights mapped from the checkpoint. What
 * depends on the caption alone (keys and values) is computed once per generation; what depends on the timestep alone
 * (the modulation) once per step. Reference: Open-Sora 1.2, `STDiT3.forward`.
 */
import type { Denoiser, Evaluation, ModuleRequest, ModuleResult, Node, TextContext } from '../../../model.ts';
import type { ActivationRecorder } from '../../../quantization/activations.ts';
import { createQuantizer, type QuantizationOptions } from '../../../quantization/quantizer.ts';
import type { Runtime, Tensor } from '../../../runtime/runtime.ts';
import { sessionCache } from '../../../runtime/sessions.ts';
import { readFloat32, type Weights } from '../../../weights/checkpoint.ts';
import { nullCaption, packCaption, usedRows } from './caption.ts';
import type { Stdit3Config } from './config.ts';
import { captionTokensGraph, finalGraph, patchGraph } from './endgraphs.ts';
import { blocksOf, linearLayers, modulatedInputGraph } from './modules.ts';
import { patchGrid, positionEmbedding, rotaryFrequencies, rotaryTables } from './positions.ts';
import { runModule, runTogether } from './run.ts';
import type { Conditioning, Generation, Network } from './state.ts';
import { embedTime, perRow, type TimeTensors } from './time.ts';

/** True for frames that are denoised, false for frames that are given: `[prompt][frame]`. */
type FrameMask = readonly (readonly boolean[])[];

/** An evaluation that also shows what it is made of, for verification. */
export interface Stdit3Evaluation extends Evaluation {
  /** The parts of the time embedding, `[batch, rows, width]`, and the modulation made of them. */
  readonly time: TimeTensors;
  run(
    node: Node,
    hidden: Tensor,
    request: ModuleRequest & { ungated?: boolean },
  ): Promise<ModuleResult & { ungated?: Tensor }>;
  /** The output before it is put back in place, too. */
  finishTokens(hidden: Tensor): Promise<{ output: Tensor; tokens: Tensor }>;
}

export interface Stdit3Denoiser extends Denoiser {
  /** Caption tokens, `[batch, length, width]`. */
  readonly caption: Tensor;
  /** Position embedding, `[1, 1, tokens, width]`. */
  readonly positions: Tensor;
  evaluate(latents: Tensor, timestep: number | readonly number[], frameMask?: FrameMask): Promise<Stdit3Evaluation>;
}

export interface Stdit3 {
  /** Spatial and temporal blocks in the order they run. */
  readonly blocks: readonly Node[];
  begin(conditioning: Conditioning): Promise<Stdit3Denoiser>;
  /** The caption that stands for none: what guidance steers away from. */
  nullCaption(): Promise<TextContext>;
  /** Disposes of all sessions; they are made again when needed. */
  dispose(): Promise<void>;
}

/** Departures from defaults. */
export interface Stdit3Options extends QuantizationOptions {
  /** Watches the inputs of linear layers of modules computed in float32, for a calibration. */
  readonly recorder?: ActivationRecorder;
}

/** STDiT3 with the weights of a checkpoint. Nothing is read or compiled before it is needed. */
export function loadStdit3(
  runtime: Runtime,
  weights: Weights,
  config: Stdit3Config,
  options: Stdit3Options = {},
): Stdit3 {
  const quantizer = createQuantizer(weights, linearLayers(config), runtime, options);
  const { recorder } = options;
  const network = { runtime, weights, config, quantizer, recorder, sessions: sessionCache(runtime) };
  return {
    blocks: blocksOf(config),
    begin: (conditioning) => begin(network, conditioning),
    nullCaption: () => nullCaption(weights),
    dispose: () => network.sessions.dispose(),
  };
}

async function begin(network: Network, conditioning: Conditioning): Promise<Stdit3Denoiser> {
  const { runtime, config } = network;
  const { latent } = conditioning.geometry;
  const size = { height: latent.height, width: latent.width, ...patchGrid(config, latent) };
  const generation: Generation = {
    conditioning,
    size,
    frames: latent.frames,
    caption: await embedCaption(network, conditioning),
    positions: runtime.tensor(positionEmbedding(config, conditioning.geometry), [
      1,
      1,
      size.rows * size.columns,
      config.hiddenSize,
    ]),
    rotary: await rotaryTensors(network, latent.frames),
    keysAndValues: new Map(),
  };
  return {
    caption: generation.caption.tokens,
    positions: generation.positions,
    evaluate: (latents, timestep, frameMask) => evaluate(network, generation, latents, timestep, frameMask),
    dispose() {
      for (const tensors of generation.keysAndValues.values())
        for (const tensor of Object.values(tensors)) tensor.dispose();
      generation.keysAndValues.clear();
    },
  };
}

async function embedCaption({ runtime, weights, config, sessions }: Network, { text }: Conditioning) {
  const packed = packCaption(text);
  const session = await sessions.get('caption', () => captionTokensGraph(weights, config));
  const { tokens } = await session.run({ states: runtime.tensor(packed.states, packed.dims) });
  const used = usedRows(packed);
  return { tokens: tokens!, used: used && runtime.tensor(used, packed.dims.slice(0, 2)) };
}

async function rotaryTensors({ runtime, weights, config }: Network, frames: number) {
  const frequencies = weights.has('rope.freqs')
    ? await readFloat32(weights.get('rope.freqs'))
    : rotaryFrequencies(config.headSize);
  const { cos, sin } = rotaryTables(frequencies, frames);
  const dims = [frames, frequencies.length];
  return { cos: runtime.tensor(cos, dims), sin: runtime.tensor(sin, dims) };
}

async function evaluate(
  network: Network,
  generation: Generation,
  latents: Tensor,
  timestep: number | readonly number[],
  frameMask?: FrameMask,
): Promise<Stdit3Evaluation> {
  const { weights, config, sessions } = network;
  const { conditioning, size } = generation;
  const times = perRow(conditioning, timestep);
  const doubled = conditioning.text.unconditional !== undefined;
  const masks = frameMask && doubled ? [...frameMask, ...frameMask] : frameMask;
  // A given frame counts as timestep 0: its modulation is that of a row of its own.
  const rows = masks ? times.map((time, row) => masks[row]!.map((denoised) => (denoised ? time : 0))) : oneRow(times);
  const time = await embedTime(network, conditioning, rows);
  const patches = await sessions.get(`patches ${size.height}x${size.width} ${doubled}`, () =>
    patchGraph(weights, config, size, doubled),
  );
  const { hidden } = await patches.run({ latents, positions: generation.positions });
  const finishTokens = (last: Tensor) => finish(network, generation, last, { times, masks, time });
  return {
    hidden: hidden!,
    time,
    finishTokens,
    async finish(last) {
      const { output, tokens } = await finishTokens(last);
      tokens.dispose();
      return output;
    },
    signals: { 'modulated-input': () => modulatedInput(network, hidden!, time.modulation) },
    run: (node, input, request) => runModule(network, generation, time.modulation, node, input, request),
    runTogether: (stretch, input) => runTogether(network, generation, time.modulation, stretch, input),
    dispose() {
      for (const tensor of Object.values(time)) tensor.dispose();
    },
  };
}

/** The times of one step, per sample, and what was made of them. */
interface StepTimes {
  readonly times: readonly number[];
  readonly masks: FrameMask | undefined;
  readonly time: TimeTensors;
}

/** The input of the first block's self-attention. */
async function modulatedInput({ weights, config, sessions }: Network, hidden: Tensor, modulation: Tensor) {
  const first = blocksOf(config)[0]!.path;
  const session = await sessions.get('modulated input', () => modulatedInputGraph(first, weights, config));
  return (await session.run({ x: hidden, modulation })).modulated!;
}

/** The network's output. With given frames the final layer needs the embeddings of the timestep and of 0 apart. */
async function finish(network: Network, generation: Generation, hidden: Tensor, step: StepTimes) {
  const { runtime, weights, config, sessions } = network;
  const { size, frames, conditioning } = generation;
  const { times, masks, time } = step;
  const session = await sessions.get(`final ${size.height}x${size.width} ${masks !== undefined}`, () =>
    finalGraph(weights, config, size, masks !== undefined),
  );
  if (!masks) return finalOutputs(await session.run({ hidden, embedding: time.embedding }));
  const mask = runtime.tensor(Float32Array.from(masks.flat(), Number), [masks.length, frames, 1, 1]);
  const now = await embedTime(network, conditioning, oneRow(times));
  const given = await embedTime(network, conditioning, oneRow(times.map(() => 0)));
  const outputs = await session.run({ hidden, embedding: now.embedding, mask, given: given.embedding });
  for (const tensor of [...Object.values(now), ...Object.values(given)]) tensor.dispose();
  return finalOutputs(outputs);
}

const finalOutputs = ({ output, tokens }: Record<string, Tensor>) => ({ output: output!, tokens: tokens! });

/** One row of times per sample. */
const oneRow = (times: readonly number[]): number[][] => times.map((time) => [time]);
