/** Runs one module: its session, made on first use for each precision and set of outputs, and what it is fed. */
import type { ModuleRequest, ModuleResult, Node } from '../../../model.ts';
import { watching } from '../../../quantization/activations.ts';
import { isInteger } from '../../../quantization/recipe.ts';
import type { Backend, Tensor } from '../../../runtime/runtime.ts';
import { blockPath, captionGraph, type ModuleOutput, moduleGraph } from './modules.ts';
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
  const { size, frames, caption, rotary } = generation;
  const outputs: ModuleOutput[] = ['hidden'];
  if (request.residual) outputs.push('residual');
  if (request.ungated) outputs.push('ungated');
  const tokens = size.rows * size.columns;
  const queries = { 'spatial-attention': tokens, 'temporal-attention': frames }[node.kind as string] ?? tokens * frames;
  const padded = node.kind === 'cross-attention' && caption.bias !== undefined;
  const { precision } = request;
  const integer = isInteger(precision);
  const slices = integer ? slicesFor(runtime.backend, hidden.dims) : 1;
  const form = { precision, outputs, kernel: runtime.attentionKernel(queries), padded, slices };
  const session = await sessions.get(
    [node.path, ...Object.values(form)].join(' '),
    async () => {
      const numerics = await quantizer.prepare(precision);
      const linear = recorder && !integer ? watching(numerics.linear) : numerics.linear;
      return moduleGraph(node, { ...numerics, linear }, config, form);
    },
    { prepack: integer },
  );
  const feeds: Record<string, Tensor> = { x: hidden };
  if (node.kind === 'cross-attention') Object.assign(feeds, await captionFeeds(network, generation, blockPath(node)));
  else feeds.modulation = modulation;
  if (node.kind === 'temporal-attention') Object.assign(feeds, rotary);
  const results = await session.run(feeds);
  await recorder?.take(runtime, results);
  return results as unknown as ModuleResult & { ungated?: Tensor };
}

/** Rows of one slice: few enough that a feed-forward's 4 * width channels stay in cache, enough to fill the kernel. */
const sliceRows = { least: 128, most: 512 };

/** The fewest slices of `[batch, frames, tokens, width]` into equal parts small enough; one where there are none. */
export function slicesFor(backend: Backend, [batch, frames, tokens]: readonly number[]): number {
  const rows = batch! * frames! * tokens!;
  if (backend !== 'cpu') return 1; // loops leave the GPU
  for (let slices = Math.ceil(rows / sliceRows.most); rows / slices >= sliceRows.least; slices++)
    if (rows % slices === 0) return slices;
  return 1;
}

/** A block's keys and values, and the bias that hides padding. */
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
