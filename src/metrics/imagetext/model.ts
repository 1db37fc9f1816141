/**
 * A CLIP model (Radford et al. 2021, arXiv 2103.00020) as two ONNX graphs that others exported: pictures and texts to
 * embeddings that can be compared. One input at a time, so that exports with a fixed batch of one work too.
 *
 * Invariant: a model that is returned has embedded a picture and a text once, so its files fit together.
 */
import { QuantCacheError, throwIfAborted } from '../../errors.ts';
import type { Runtime, Session, Tensor } from '../../runtime/runtime.ts';
import { importPeer } from '../../video/peer.ts';
import type { Picture } from '../../video/resample.ts';
import { type PixelConfig, pixelValues } from './pixels.ts';

/** A loaded CLIP model. */
export interface ImageTextModel extends AsyncDisposable {
  readonly name: string;
  embedImage(picture: Picture, signal?: AbortSignal): Promise<Float32Array>;
  /** The last embedding is kept: all rows of a comparison ask for the same caption in turn. */
  embedText(text: string): Promise<Float32Array>;
}

/** What a model is made of: contents of files. */
export interface ImageTextParts {
  readonly name: string;
  /** ONNX with its weights inside: `pixel_values` to `image_embeds`. */
  readonly vision: Uint8Array<ArrayBuffer>;
  /** ONNX with its weights inside: `input_ids` to `text_embeds`. */
  readonly text: Uint8Array<ArrayBuffer>;
  readonly pixels: PixelConfig;
  /** `tokenizer.json` and `tokenizer_config.json`. */
  readonly tokenizer: object;
  readonly tokenizerConfig: { readonly model_max_length?: number };
}

/** Tokens that CLIP's text model has positions for. */
const maxTokens = 77;

/** What we use of the package @huggingface/tokenizers. */
interface TokenizersPackage {
  readonly Tokenizer: new (tokenizer: object, config: object) => { encode(text: string): { ids: number[] } };
}

/**
 * Loads a model and tries it. Throws `missing_peer` without the package of tokenizers, `corrupt_file` for a file that is not
 * ONNX or not a tokenizer, `unsupported_format` for graphs with other inputs and outputs.
 */
export async function loadImageTextModel(runtime: Runtime, parts: ImageTextParts): Promise<ImageTextModel> {
  const encode = await loadTokenizer(parts);
  const vision = await compile(runtime, 'vision_model.onnx', parts.vision);
  const text = await compile(runtime, 'text_model.onnx', parts.text);
  let last: { readonly text: string; readonly embedding: Float32Array } | undefined;
  const model: ImageTextModel = {
    name: parts.name,
    async embedImage(picture, signal) {
      throwIfAborted(signal);
      const { data, dims } = pixelValues(picture, parts.pixels);
      return embed(runtime, vision, { pixel_values: runtime.tensor(data, dims) }, 'image_embeds');
    },
    async embedText(caption) {
      if (last?.text === caption) return last.embedding;
      const ids = BigInt64Array.from(encode(caption), BigInt);
      const feeds = { input_ids: runtime.tensor(ids, [1, ids.length]) };
      last = { text: caption, embedding: await embed(runtime, text, feeds, 'text_embeds') };
      return last.embedding;
    },
    async [Symbol.asyncDispose]() {
      await vision.dispose();
      await text.dispose();
    },
  };
  try {
    await assertFits(model);
  } catch (error) {
    await model[Symbol.asyncDispose]();
    throw error;
  }
  return model;
}

async function assertFits(model: ImageTextModel): Promise<void> {
  const image = await model.embedImage({ width: 1, height: 1, data: Uint8Array.of(128, 128, 128) });
  const text = await model.embedText('a picture');
  if (image.length === text.length && image.length > 0) return;
  throw new QuantCacheError(
    'unsupported_format',
    `The CLIP model ${model.name} embeds pictures in ${image.length} numbers and texts in ${text.length}; take both graphs from one export.`,
  );
}

/** Text to ids with the end token last, cut to the length of the model. */
async function loadTokenizer({
  name,
  tokenizer,
  tokenizerConfig,
}: ImageTextParts): Promise<(text: string) => number[]> {
  const purpose = 'Reading the tokenizer of a CLIP model';
  const { Tokenizer } = await importPeer<TokenizersPackage>(
    '@huggingface/tokenizers',
    purpose,
    'Everything but --clip works without it.',
  );
  const most = Math.min(maxTokens, tokenizerConfig.model_max_length ?? maxTokens);
  let encode: (text: string) => number[];
  try {
    const reader = new Tokenizer(tokenizer, tokenizerConfig);
    encode = (text) => reader.encode(text).ids;
    encode('a picture');
  } catch (error) {
    const message = `The tokenizer.json and tokenizer_config.json of the CLIP model ${name} are not such as transformers.js has. Copy or download them again.`;
    throw new QuantCacheError('corrupt_file', message, { cause: error });
  }
  return (text) => {
    const ids = encode(text);
    return ids.length > most ? [...ids.slice(0, most - 1), ids.at(-1)!] : ids;
  };
}

async function compile(runtime: Runtime, name: string, bytes: Uint8Array<ArrayBuffer>): Promise<Session> {
  try {
    return await runtime.compile({ name, bytes, files: [] });
  } catch (error) {
    const message = `${name} cannot be used: ONNX Runtime does not read it. Export it again, with its weights inside.`;
    throw new QuantCacheError('corrupt_file', message, { cause: error });
  }
}

async function embed(
  runtime: Runtime,
  session: Session,
  feeds: Record<string, Tensor>,
  output: string,
): Promise<Float32Array> {
  let outputs: Record<string, Tensor>;
  try {
    outputs = await session.run(feeds);
  } catch (error) {
    throw otherGraph(Object.keys(feeds), output, 'ONNX Runtime does not run it with these', error);
  }
  const embedding = outputs[output];
  if (!embedding) throw otherGraph(Object.keys(feeds), output, `it gives ${Object.keys(outputs).join(', ')}`);
  const numbers = (await runtime.read(embedding)).slice();
  for (const tensor of [...Object.values(feeds), ...Object.values(outputs)]) tensor.dispose();
  return numbers;
}

function otherGraph(inputs: readonly string[], output: string, found: string, cause?: unknown): QuantCacheError {
  return new QuantCacheError(
    'unsupported_format',
    `A CLIP graph must take ${inputs.join(', ')} alone and give ${output}: ${found}. Use vision_model.onnx and text_model.onnx as transformers.js has them.`,
    { cause },
  );
}
