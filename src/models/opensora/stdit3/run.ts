/** Runs modules, one by one or as one graph: their sessions, made on first use for each form, and what they are fed. */
import { type ModuleRequest, type ModuleResult, modulesIn, type Node, type Precision } from '../../../model.ts';
import { watching } from '../../../quantization/activations.ts';
import { isInteger } from '../../../quantization/recipe.ts';
import type { Backend, Tensor } from '../../../runtime/runtime.ts';
import { moduleFlops } from './cost.ts';
import { blockPath, captionGraph, type ModuleForm, type ModuleOutput, moduleGraph, sequenceGraph } from './modules.ts';
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
  const integer = isInteger(precision);
  const slices = integer ? slicesFor(runtime.backend, hidden.dims) : 1;
  const form = { precision, outputs, ...attentionForm(network, generation, node), slices };
  const session = await sessions.get(
    [node.path, ...Object.values(form)].join(' '),
    async () => {
      const numerics = await quantizer.prepare(precision);
      const linear = recorder && !integer ? watching(numerics.linear) : numerics.linear;
      return moduleGraph(node, { ...numerics, linear }, config, form);
    },
    { prepack: integer },
  );
  const results = await session.run({ x: hidden, ...(await feedsOf(network, generation, modulation, [node])) });
  await recorder?.take(runtime, results);
  return results as unknown as ModuleResult & { ungated?: Tensor };
}

/** Operations that a graph may have which cannot be interrupted: about a second's worth. */
const uninterrupted = 2e11;

/** Runs all modules inside a node as one graph; undefined where that would take long, or where inputs are to be watched. */
export function runWhole(
  network: Network,
  generation: Generation,
  modulation: Tensor,
  node: Node,
  hidden: Tensor,
  precision: Precision,
): Promise<Tensor> | undefined {
  const { recorder, config } = network;
  const { conditioning, caption } = generation;
  const [batch, captionTokens] = caption.tokens.dims as [number, number];
  const cost = { geometry: conditioning.geometry, batch, captionTokens };
  const modules = modulesIn(node);
  const operations = modules.reduce((sum, module) => sum + moduleFlops(config, module, cost), 0);
  if (recorder || operations > uninterrupted) return undefined;
  return runSequence(network, generation, modulation, { node, modules, hidden, precision });
}

interface Sequence {
  readonly node: Node;
  readonly modules: readonly Node[];
  readonly hidden: Tensor;
  readonly precision: Precision;
}

async function runSequence(
  network: Network,
  generation: Generation,
  modulation: Tensor,
  { node, modules, hidden, precision }: Sequence,
): Promise<Tensor> {
  const { quantizer, config, sessions } = network;
  const formOf = (module: Node): ModuleForm => ({
    precision,
    outputs: ['hidden'],
    ...attentionForm(network, generation, module),
    slices: 1,
  });
  const forms = [...new Set(modules.map((module) => Object.values(formOf(module)).join(' ')))];
  const session = await sessions.get(
    `${node.path} whole ${modules.map(({ path }) => path)} ${forms}`,
    async () => sequenceGraph(node, await quantizer.prepare(precision), config, formOf),
    { prepack: isInteger(precision), spinning: true },
  );
  const feeds = { x: hidden, ...(await feedsOf(network, generation, modulation, modules)) };
  return (await session.run(feeds)).hidden!;
}

/** How many queries see each other, or the caption, in the attention of a module. */
export const attentionQueries = ({ kind }: Node, { tokens, frames }: { tokens: number; frames: number }): number =>
  ({ 'spatial-attention': tokens, 'temporal-attention': frames })[kind as string] ?? tokens * frames;

/** How attention of a module is to be written for these sizes. */
function attentionForm({ runtime }: Network, { size, frames, caption }: Generation, node: Node) {
  const queries = attentionQueries(node, { tokens: size.rows * size.columns, frames });
  const padded = node.kind === 'cross-attention' && caption.bias !== undefined;
  return { kernel: runtime.attentionKernel(queries), padded };
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

/** Rows of one slice: few enough that a feed-forward's 4 * width channels stay in cache, enough to fill the kernel. */
const sliceRows = { least: 128, most: 256 };

/** The fewest slices of `[batch, frames, tokens, width]` into equal parts small enough; one where there are none. */
export function slicesFor(backend: Backend, [batch, frames, tokens]: readonly number[]): number {
  const rows = batch! * frames! * tokens!;
  if (backend !== 'cpu') return 1; // loops leave the GPU
  for (let slices = Math.ceil(rows / sliceRows.most); rows / slices >= sliceRows.least; slices++)
    if (rows % slices === 0) return slices;
  return 1;
}

/** A block's keys and values, computed once, and the bias that hides padding. */
async function captionFeeds({ weights, config, sessions }: Network, generation: Generation, block: string) {
  const { caption, keysAndValues } = generation;
  let tensors = keysAndValues.get(block);
  if (!tensors) {
    const session = await sessions.get(`${block} caption`, () => captionGraph(block, weights, config));
    tensors = await session.run({ caption: caption.tokens });
    keysAndValues.set(block, tensors);
  }
  return caption.bias ? { ...tensors, bias: caption.bias } : tensors;
}
