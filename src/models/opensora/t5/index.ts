/**
 * The text encoder: token numbers to the states that the diffusion model attends to.
 *
 * Invariant: one block is in memory at a time. Its session is made, run and released before the next, so that 19 GB of
 * T5 XXL need the memory of one block: its mapped pages in float32, one widened copy (0.8 GB) in float16 and bfloat16.
 * Encoding is done once per prompt, and reading a mapped block costs no more than keeping it would. The sessions of a small
 * encoder are kept: making them takes longer than running them.
 */
import { throwIfAborted } from '../../../errors.ts';
import type { TextContext } from '../../../model.ts';
import type { Model } from '../../../onnx/graph.ts';
import type { Runtime, Tensor } from '../../../runtime/runtime.ts';
import { sessionCache } from '../../../runtime/sessions.ts';
import { checkWeights } from '../../../weights/check.ts';
import { bytesOf, type Weights } from '../../../weights/checkpoint.ts';
import { bucketTable } from './buckets.ts';
import type { T5Config } from './config.ts';
import { blockGraph, inputGraph, outputGraph } from './encoder.ts';
import { embeddingName, t5Shapes, unusedWeights } from './weights.ts';

/** Token numbers of one batch of prompts, and 1 for tokens that count, 0 for padding; both `[prompts, length]`. */
export interface TokenBatch {
  readonly ids: readonly (readonly number[])[];
  readonly mask: readonly (readonly number[])[];
}

export interface EncodeOptions {
  /** Also compute the padding beyond the longest prompt. Off by default: nothing attends to it. */
  fullLength?: boolean;
  /** Checked between blocks. */
  signal?: AbortSignal;
  /** Awaited after each block with the hidden state `[prompts, length, width]`, which is disposed of afterwards. */
  onBlock?: (done: number, total: number, hidden: Tensor) => void | Promise<void>;
}

export interface T5Encoder {
  /** Tensors of the checkpoint that are not used. */
  readonly unused: readonly string[];
  /** The states of a batch, cut to its longest prompt. */
  encode(tokens: TokenBatch, options?: EncodeOptions): Promise<TextContext>;
  /** Disposes of what is kept; it is made again when needed. */
  dispose(): Promise<void>;
}

/** Bytes of weights up to which sessions are kept. */
const small = 2 ** 28;

/** The most negative float32: what the original adds to the scores of padding. */
const lowest = -3.4028234663852886e38;

/** The encoder of a checkpoint. Throws `weights_mismatch` where it does not fit the config. */
export function loadTextEncoder(runtime: Runtime, weights: Weights, config: T5Config): T5Encoder {
  const unused = checkWeights(weights, t5Shapes(config, embeddingName(weights)), {
    ignore: unusedWeights,
    label: 'the T5 text encoder',
  });
  const keeps = bytesOf(weights) <= small;
  const kept = sessionCache(runtime);
  const run = async (name: string, build: () => Model, feeds: Record<string, Tensor>) =>
    keeps ? (await kept.get(name, build)).run(feeds) : runOnce(runtime, build(), feeds);
  return {
    unused,
    dispose: () => kept.dispose(),
    async encode(tokens, options = {}) {
      const { ids, mask } = options.fullLength ? tokens : withoutPadding(tokens);
      const [prompts, length] = [ids.length, ids[0]!.length];
      const padding = Float32Array.from(mask.flat(), (counts) => (counts ? 0 : lowest));
      const first = await run('input', () => inputGraph(weights), {
        ids: runtime.tensor(BigInt64Array.from(ids.flat(), BigInt), [prompts, length]),
        buckets: runtime.tensor(bucketTable(length, config), [length, length]),
        padding: runtime.tensor(padding, [prompts, 1, 1, length]),
      });
      const bias = first.bias!;
      let hidden = first.hidden!;
      const advance = async (name: string, build: () => Model, feeds: Record<string, Tensor>) => {
        const next = await run(name, build, { hidden, ...feeds });
        hidden.dispose();
        hidden = next.hidden_after!;
      };
      try {
        for (let block = 0; block < config.numLayers; block++) {
          throwIfAborted(options.signal);
          const kernel = runtime.attentionKernel(config.numHeads * length ** 2);
          await advance(`block ${block} ${kernel}`, () => blockGraph(weights, config, block, kernel), { bias });
          await options.onBlock?.(block + 1, config.numLayers, hidden);
        }
        await advance('output', () => outputGraph(weights, config), {});
        const states = (await runtime.read(hidden)).slice();
        return { states, dims: [prompts, length, config.hiddenSize], mask };
      } finally {
        hidden.dispose();
        bias.dispose();
      }
    },
  };
}

/** A batch cut after the last token that counts in any prompt. */
function withoutPadding({ ids, mask }: TokenBatch): TokenBatch {
  const length = Math.max(1, ...mask.map((row) => row.lastIndexOf(1) + 1));
  return { ids: ids.map((row) => row.slice(0, length)), mask: mask.map((row) => row.slice(0, length)) };
}

/** Compiles a graph, runs it once and lets go of it. */
async function runOnce(runtime: Runtime, graph: Model, feeds: Record<string, Tensor>): Promise<Record<string, Tensor>> {
  const session = await runtime.compile(graph);
  try {
    return await session.run(feeds);
  } finally {
    await session.dispose();
  }
}
