/** From prompts to what STDiT3 is conditioned on: the prompt taken apart, tokens, and the states of T5. */
import { join } from 'node:path';
import { messageOf, QuantCacheError } from '../../errors.ts';
import { findBytes } from '../../files/read.ts';
import type { TextContext } from '../../model.ts';
import type { TextStage } from '../../pipeline.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { version } from '../../version.ts';
import type { Cache } from '../../weights/cache.ts';
import { bytesOf, openCheckpoint } from '../../weights/checkpoint.ts';
import { hashWeights } from '../../weights/hash.ts';
import { readConfig } from './folders.ts';
import { type PromptOptions, readOpenSoraOptions } from './options.ts';
import { preparePrompt, segmentFor } from './prompt/segments.ts';
import { parseT5Config, type T5Config } from './t5/config.ts';
import { loadTextEncoder, type TokenBatch } from './t5/index.ts';
import { textCache } from './textcache.ts';
import { readT5Tokenizer, type T5Tokenizer } from './tokenizer.ts';

/** Bytes of weights from which on encoding takes so long that its results are kept on disk. */
const large = 2 ** 28;

/** What the text stage is opened with. */
export interface TextParts {
  /** Folder of the encoder and its tokenizer. */
  readonly folder: string;
  /** What prompts are completed with where the caller does not say. */
  readonly defaults: PromptOptions;
  /** Tokens of the longest caption. */
  readonly maxLength: number;
  /** What guidance steers away from. */
  nullCaption(): Promise<TextContext>;
  /** Where results of a large encoder are kept, and hashes remembered. Default: nowhere. */
  readonly cache?: Cache;
}

/** A text stage, and what the pipeline tells of it. */
export interface OpenedText extends TextStage {
  readonly config: T5Config;
  readonly tokenizer: T5Tokenizer;
  readonly unused: readonly string[];
  readonly bytes: number;
  dispose(): Promise<void>;
}

/** Opens tokenizer and encoder. No weight is read before it is needed. */
export async function openText(runtime: Runtime, parts: TextParts): Promise<OpenedText> {
  const { folder, defaults, maxLength, nullCaption, cache } = parts;
  const tokenizer = await readTokenizer(folder);
  const weights = await openCheckpoint(folder);
  const config = await readConfig(folder, parseT5Config, true);
  const encoder = loadTextEncoder(runtime, weights, config);
  const kept = cache && bytesOf(weights) >= large ? textCache(cache.places('text')[0]!) : undefined;
  const encode = async (tokens: TokenBatch, signal?: AbortSignal): Promise<TextContext> => {
    if (!kept) return encoder.encode(tokens, { signal });
    // The batch as a whole, and on what it runs: the states of a prompt differ in their last bits by both.
    const content = await hashWeights(weights, { cache, signal });
    const key = { version, runtime: runtime.description, content, config, ...tokens };
    const found = await kept.find(key);
    if (found) return found;
    const made = await encoder.encode(tokens, { signal });
    await kept.keep(key, made);
    return made;
  };
  return {
    config,
    tokenizer,
    unused: encoder.unused,
    bytes: bytesOf(weights),
    prepare(prompt, options) {
      const { aestheticScore, motionScore, cameraMotion } = {
        ...defaults,
        ...definedOnly(readOpenSoraOptions(options)),
      };
      const scores = { aesthetic: aestheticScore, motion: motionScore, camera: cameraMotion };
      const { segments, references } = preparePrompt(prompt, scores);
      for (const { cleaned } of segments) if (!tokenizer.knowsAnyOf(cleaned)) refuseUnknown(cleaned);
      const distinct = (words: string[]) => [...new Set(words)];
      return {
        textFor: (loop) => segmentFor(segments, loop),
        references,
        unknownWords: distinct(segments.flatMap(({ text }) => tokenizer.unknownWords(text))),
        removedText: distinct(segments.flatMap(({ removed }) => removed)),
        unreadWords: segments.flatMap(({ text }) => tokenizer.wordsBeyond(text, maxLength)),
      };
    },
    async encode({ texts, negativePrompt, guided }, signal) {
      if (negativePrompt !== undefined)
        throw new QuantCacheError(
          'invalid_option',
          'Open-Sora takes no negative prompt: it was trained with one caption for none. Leave it out.',
        );
      const encodings = texts.map((text) => tokenizer.encode(text, maxLength));
      const ids = encodings.map(({ inputIds }) => [...inputIds]);
      const mask = encodings.map(({ attentionMask }) => [...attentionMask]);
      const conditional = await encode({ ids, mask }, signal);
      return { conditional, unconditional: guided ? await nullCaption() : undefined };
    },
    dispose: () => encoder.dispose(),
  };
}

function refuseUnknown(text: string): never {
  throw new QuantCacheError(
    'invalid_option',
    `The model knows nothing of "${text}", which is what cleaning left of the prompt. Describe in English what the video is to show.`,
  );
}

async function readTokenizer(folder: string): Promise<T5Tokenizer> {
  for (const name of ['tokenizer.json', 'spiece.model']) {
    const contents = await findBytes(join(folder, name));
    if (!contents) continue;
    try {
      return readT5Tokenizer(contents);
    } catch (error) {
      if (error instanceof QuantCacheError) throw error;
      throw new QuantCacheError('corrupt_file', `${join(folder, name)} is not a T5 tokenizer: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }
  throw new QuantCacheError(
    'model_not_found',
    `${folder} has no tokenizer.json and no spiece.model; the text encoder needs one of them.`,
  );
}

/** An options object without its undefined fields, so that they do not hide defaults. */
const definedOnly = <T extends object>(options: T): Partial<T> =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<T>;
