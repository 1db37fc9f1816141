/** Runs modules, one by one or as one graph: their sessions, made on first use for each form, and what they are fed. */
import {
  type ModuleRequest,
  type ModuleResult,
  modulesIn,
  type Node,
  type Stretch,
  type StretchResult,
} from '../../../model.ts';
import { watching } from '../../../quantization/activations.ts';
import type { Numerics } from '../../../quantization/quantizer.ts';
import type { Tensor } from '../../../runtime/runtime.ts';
import { attentionScores, moduleFlops } from './cost.ts';
import {
  addedInput,
  blockPath,
  blocksOf,
  captionGraph,
  type ModuleForm,
  type ModuleOutput,
  moduleGraph,
  residualOutput,
  type SequencePart,
  sequenceGraph,
} from './modules.ts';
import { type Dims, eachSample, piecesFor, whole } from './pieces.ts';
import type { Generation, Network } from './state.ts';

/** Runs a module of one evaluation whose timestep gave this modulation. */
export async function runModule(
  network: Network,
  generation: Generation,
  modulation: Tensor,
  node: Node,
  hidden: Tensor,
  request: ModuleRequest & { ungated?: boolean },
) {
  const { runtime, quantizer, recorder, config, sessions } = network;
  const outputs: ModuleOutput[] = ['hidden'];
  if (request.residual) outputs.push('residual');
  if (request.ungated) outputs.push('ungated');
  const { precision } = request;
  const numerics = await quantizer.prepare(precision);
  const form = { precision, ...formOf(network, generation, node, hidden, numerics, outputs) };
  const linear = recorder && !numerics.integer ? watching(numerics.linear) : numerics.linear;
  const session = await sessions.get(
    [node.path, ...Object.values(form)].join(' '),
    () => moduleGraph(node, { ...numerics, linear }, config, form),
    { prepack: numerics.integer },
  );
  const results = await session.run({ x: hidden, ...(await feedsOf(network, generation, modulation, [node])) });
  await recorder?.take(runtime, results);
  return results as unknown as ModuleResult & { ungated?: Tensor };
}

/**
 * Operations of one sample that a step may have whose modules run together: half a second's worth, because a graph cannot be
 * interrupted, and keeps packed weights of its own. Of one sample, as all that is decided here, so that no clip depends on
 * those made beside it.
 */
const uninterrupted = 1e11;

/** Runs a stretch as one graph; undefined where a step takes long, or where inputs are to be watched. */
export function runTogether(
  network: Network,
  generation: Generation,
  modulation: Tensor,
  stretch: Stretch,
  hidden: Tensor,
): Promise<StretchResult> | undefined {
  const { recorder, config } = network;
  const { geometry } = generation.conditioning;
  const cost = { geometry, batch: 1, captionTokens: config.maxCaptionLength };
  const modules = blocksOf(config).flatMap(modulesIn);
  const operations = modules.reduce((sum, module) => sum + moduleFlops(config, module, cost), 0);
  if (recorder || operations > uninterrupted) return undefined;
  return runSequence(network, generation, modulation, stretch, hidden);
}

async function runSequence(
  network: Network,
  generation: Generation,
  modulation: Tensor,
  { parts, residuals }: Stretch,
  hidden: Tensor,
): Promise<StretchResult> {
  const { quantizer, config, sessions } = network;
  const written: SequencePart[] = [];
  for (const part of parts) {
    if ('added' in part) written.push('added');
    else if ('begin' in part || 'end' in part) written.push(part);
    else {
      const { module, precision } = part;
      const outputs: ModuleOutput[] = residuals.includes(module) ? ['hidden', 'residual'] : ['hidden'];
      const numerics = await quantizer.prepare(precision);
      const form = { precision, ...formOf(network, generation, module, hidden, numerics, outputs) };
      written.push({ module, numerics, form });
    }
  }
  const modules = written.flatMap((part) => (part !== 'added' && 'module' in part ? [part] : []));
  const session = await sessions.get(`together ${written.map(nameOf)}`, () => sequenceGraph(written, config), {
    prepack: modules.some(({ numerics }) => numerics.integer),
    spinning: true,
  });
  const results = await session.run({
    x: hidden,
    ...Object.fromEntries(parts.flatMap((part, i) => ('added' in part ? [[addedInput(i), part.added]] : []))),
    ...(await feedsOf(
      network,
      generation,
      modulation,
      modules.map(({ module }) => module),
    )),
  });
  return { hidden: results.hidden!, residuals: residuals.map((node) => results[residualOutput(node)]!) };
}

/** What tells parts of a graph apart. */
function nameOf(part: SequencePart): string {
  if (part === 'added') return part;
  if ('begin' in part) return `begin ${part.begin.path}`;
  if ('end' in part) return `end ${part.end.path}`;
  return `${part.module.path} ${Object.values(part.form).join(' ')}`;
}

/** How a module is to be written for these sizes. What is watched, and attention before its gate, is computed whole. */
function formOf(
  { runtime, config, recorder }: Network,
  { caption }: Generation,
  node: Node,
  hidden: Tensor,
  { apart }: Numerics,
  outputs: readonly ModuleOutput[],
): Omit<ModuleForm, 'precision'> {
  const dims = hidden.dims as unknown as Dims;
  const inPieces = !recorder && !outputs.includes('ungated');
  const rowParts = inPieces ? piecesFor(runtime.backend, node.kind, dims) : whole;
  const parts = apart === 'samples' ? eachSample(dims) : rowParts;
  const scores = attentionScores(config, node, { dims, pieces: parts.pieces, captionTokens: config.maxCaptionLength });
  const padded = node.kind === 'cross-attention' && caption.used !== undefined;
  return { outputs, kernel: runtime.attentionKernel(scores), padded, ...parts };
}

/** All that the graph of some modules takes beside the hidden state. */
async function feedsOf(network: Network, generation: Generation, modulation: Tensor, modules: readonly Node[]) {
  const feeds: Record<string, Tensor> = {};
  for (const module of modules) {
    if (module.kind === 'cross-attention')
      Object.assign(feeds, await captionFeeds(network, generation, blockPath(module)));
    else feeds.modulation = modulation;
    if (module.kind === 'temporal-attention') Object.assign(feeds, generation.rotary);
  }
  return feeds;
}

/** A block's keys and values, computed once, and what of them is padding. */
async function captionFeeds({ weights, config, sessions }: Network, generation: Generation, block: string) {
  const { caption, keysAndValues } = generation;
  let tensors = keysAndValues.get(block);
  if (!tensors) {
    const session = await sessions.get(`${block} caption`, () => captionGraph(block, weights, config));
    tensors = await session.run({ caption: caption.tokens });
    keysAndValues.set(block, tensors);
  }
  return caption.used ? { ...tensors, used: caption.used } : tensors;
}
