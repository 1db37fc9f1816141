/**
 * The text encoder: token numbers to the states that the diffusion model attends to.
 *
 * Invariant: one block is in memory at a time. Its session is made, run and released before the next, so that 19 GB of
 * T5 XXL need the memory of one block: its mapped pages, and in float16 and bfloat16 a widened copy of a part of one layer.
 * Encoding is done once per prompt, and reading a mapped block costs no more than keeping it would. The sessions of a small
 * encoder are kept: making them takes longer than running them.
 *
 * Invariant: each prompt is computed alone and without padding, so that its states depend on no other prompt of the batch.
 */
import { throwIfAborted } from '../../../errors.ts';
import type { TextContext } from '../../../model.ts';
import type { Model } from '../../../onnx/graph.ts';
import type { AttentionKernel, Runtime, Session, Tensor } from '../../../runtime/runtime.ts';
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
  /** Compute the batch as one, with all of its padding, as the original does. Off by default: nothing attends to it. */
  fullLength?: boolean;
  /** Checked between blocks. */
  signal?: AbortSignal;
  /**
   * Awaited after each block with the hidden states, which are disposed of afterwards: `[1, length, width]` for each prompt,
   * or `[prompts, length, width]` with `fullLength`.
   */
  onBlock?: (done: number, total: number, hidden: readonly Tensor[]) => void | Promise<void>;
}

export interface T5Encoder {
  /** Tensors of the checkpoint that are not used. */
  readonly unused: readonly string[];
  /** The states of a batch, as long as its longest prompt; those of padding are zeros. */
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
  const sessionOf = (name: string, build: () => Model): Promise<Session> =>
    keeps ? kept.get(name, build) : runtime.compile(build());
  /** Runs a graph for some encodings in turn; its weights are read once for all of them. */
  async function run(name: string, build: () => Model, feeds: readonly Record<string, Tensor>[]) {
    const session = await sessionOf(name, build);
    try {
      const results: Record<string, Tensor>[] = [];
      for (const feed of feeds) results.push(await session.run(feed));
      return results;
    } finally {
      if (!keeps) await session.dispose();
    }
  }
  async function advance(encodings: readonly Encoding[], name: string, build: () => Model, takesBias: boolean) {
    const feeds = encodings.map(({ hidden, bias }) => ({ hidden, ...(takesBias && { bias }) }));
    for (const [i, { hidden_after }] of (await run(name, build, feeds)).entries()) {
      encodings[i]!.hidden.dispose();
      encodings[i]!.hidden = hidden_after!;
    }
  }
  /** Tokens to the first hidden state, and the bias of all blocks. */
  async function begin({ ids, mask }: TokenBatch): Promise<Encoding> {
    const [prompts, length] = [ids.length, ids[0]!.length];
    const padding = Float32Array.from(mask.flat(), (counts) => (counts ? 0 : lowest));
    const feeds = {
      ids: runtime.tensor(BigInt64Array.from(ids.flat(), BigInt), [prompts, length]),
      buckets: runtime.tensor(bucketTable(length, config), [length, length]),
      padding: runtime.tensor(padding, [prompts, 1, 1, length]),
    };
    const [first] = await run('input', () => inputGraph(weights), [feeds]);
    const kernel = runtime.attentionKernel(config.numHeads * length ** 2);
    return { hidden: first!.hidden!, bias: first!.bias!, kernel };
  }
  return {
    unused,
    dispose: () => kept.dispose(),
    async encode(tokens, { fullLength, onBlock, signal } = {}) {
      const batches = fullLength ? [tokens] : eachPrompt(tokens);
      const encodings: Encoding[] = [];
      try {
        for (const batch of batches) encodings.push(await begin(batch));
        const kernels = [...new Set(encodings.map(({ kernel }) => kernel))];
        for (let block = 0; block < config.numLayers; block++) {
          for (const kernel of kernels) {
            throwIfAborted(signal);
            const some = encodings.filter((encoding) => encoding.kernel === kernel);
            await advance(some, `block ${block} ${kernel}`, () => blockGraph(weights, config, block, kernel), true);
          }
          const hidden = encodings.map((encoding) => encoding.hidden);
          await onBlock?.(block + 1, config.numLayers, hidden);
        }
        await advance(encodings, 'output', () => outputGraph(weights, config), false);
        const states: Float32Array[] = [];
        for (const { hidden } of encodings) states.push((await runtime.read(hidden)).slice());
        return contextOf(batches, states, config.hiddenSize);
      } finally {
        for (const { hidden, bias } of encodings) {
          hidden.dispose();
          bias.dispose();
        }
      }
    },
  };
}

/** What is computed as one: the hidden state of a prompt or of a batch, and what its blocks are fed beside it. */
interface Encoding {
  hidden: Tensor;
  readonly bias: Tensor;
  readonly kernel: AttentionKernel;
}

/** Every prompt as a batch of its own, cut after the last token that counts. */
function eachPrompt({ ids, mask }: TokenBatch): TokenBatch[] {
  return ids.map((row, prompt) => {
    const length = Math.max(1, mask[prompt]!.lastIndexOf(1) + 1);
    return { ids: [row.slice(0, length)], mask: [mask[prompt]!.slice(0, length)] };
  });
}

/** The states of some batches, computed apart, as those of one, filled up with zeros that do not count. */
function contextOf(batches: readonly TokenBatch[], states: readonly Float32Array[], width: number): TextContext {
  const rows = batches.flatMap(({ mask }, batch) =>
    mask.map((counts, prompt) => {
      const size = counts.length * width;
      return { counts, states: states[batch]!.subarray(prompt * size, (prompt + 1) * size) };
    }),
  );
  const length = Math.max(...rows.map(({ counts }) => counts.length));
  const joined = new Float32Array(rows.length * length * width);
  for (const [i, row] of rows.entries()) joined.set(row.states, i * length * width);
  const mask = rows.map(({ counts }) => [...counts, ...new Array<number>(length - counts.length).fill(0)]);
  return { states: joined, dims: [rows.length, length, width], mask };
}
