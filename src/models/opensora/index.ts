/**
 * Open-Sora 1.2 as a pipeline: T5, STDiT3, rectified flow and the video VAE, from the folders of a checkpoint. The demo
 * model is the same design with smaller numbers and runs through this same file.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, QuantCacheError } from '../../errors.ts';
import type { Pipeline } from '../../pipeline.ts';
import { readCalibrated } from '../../quantization/calibrated.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { rflow } from '../../samplers/rflow.ts';
import { rflowTimesteps } from '../../samplers/timesteps.ts';
import { checkWeights } from '../../weights/check.ts';
import { bytesOf, openCheckpoint } from '../../weights/checkpoint.ts';
import { hashWeights } from '../../weights/hash.ts';
import { abridge } from '../../weights/selection.ts';
import { type FolderOptions, findFolders, readConfig } from './folders.ts';
import { preparePrompt, segmentFor } from './prompt/segments.ts';
import { resolveSize } from './sizes.ts';
import { parseStdit3Config } from './stdit3/config.ts';
import { moduleFlops } from './stdit3/cost.ts';
import { loadStdit3, type Stdit3Options } from './stdit3/network.ts';
import { patchGrid } from './stdit3/positions.ts';
import { ignoredWeights, optionalWeights, stdit3Shapes } from './stdit3/weights.ts';
import { parseT5Config } from './t5/config.ts';
import { loadTextEncoder } from './t5/index.ts';
import { readT5Tokenizer, type T5Tokenizer } from './tokenizer.ts';
import { parseVaeConfig } from './vae/config.ts';
import { loadVae } from './vae/index.ts';

/** Frame rate that still images are conditioned on. */
const imageFrameRate = 120;
/** Caption length that costs are estimated for. */
const averageCaptionTokens = 120;

/** Opens a model folder. Every tensor's name and shape is checked; no weight is read before it is needed. */
export async function openOpenSora(
  runtime: Runtime,
  model: string,
  folder: string,
  options: FolderOptions & { readonly quantization?: Stdit3Options },
): Promise<Pipeline> {
  const { transformer, vae: vaeFolder, textEncoder, settings } = await findFolders(folder, options);
  const config = await readConfig(transformer, parseStdit3Config);
  const weights = await openCheckpoint(transformer);
  const unused = checkWeights(weights, stdit3Shapes(config), {
    optional: optionalWeights,
    ignore: ignoredWeights,
    label: 'the STDiT3 transformer',
  });
  const hash = () => hashWeights(weights);
  const network = loadStdit3(runtime, weights, config, {
    ...options.quantization,
    async own() {
      const calibrated = await readCalibrated(folder, { name: model, hash });
      return { recipes: { ...settings.recipes, ...calibrated?.recipes }, maxima: calibrated?.maxima };
    },
  });
  const vaeConfig = await readConfig(vaeFolder, parseVaeConfig, true);
  const vaeWeights = await openCheckpoint(vaeFolder);
  const vae = loadVae(runtime, vaeWeights, vaeConfig);
  const tokenizer = await readTokenizer(textEncoder);
  const textWeights = await openCheckpoint(textEncoder);
  const encoder = loadTextEncoder(runtime, textWeights, await readConfig(textEncoder, parseT5Config, true));

  return {
    model,
    folder,
    hash,
    warnings: [
      ...warnOfUnused('transformer', unused),
      ...warnOfUnused('VAE', vae.unused),
      ...warnOfUnused('text encoder', encoder.unused),
    ],
    defaults: settings.defaults,
    blocks: network.blocks,
    chunkFrames: vaeConfig.chunkFrames,
    geometry(request) {
      const { defaults } = settings;
      const fps = request.fps ?? defaults.fps;
      const sized = request.size ?? request.resolution ?? request.aspect;
      const timed = request.frames ?? request.duration;
      const size = resolveSize(
        {
          ...request,
          ...(sized === undefined && { size: `${defaults.height}x${defaults.width}` }),
          ...(timed === undefined && { frames: defaults.numFrames }),
        },
        vae.factors,
      );
      if (!(fps > 0))
        throw new QuantCacheError(
          'invalid_option',
          `${fps} frames per second were asked for; use a positive number such as 24.`,
        );
      const latent = {
        channels: config.inChannels,
        frames: size.latentFrames,
        height: size.latentHeight,
        width: size.latentWidth,
      };
      return { height: size.height, width: size.width, numFrames: size.frames, fps, latent };
    },
    weightBytes: { transformer: bytesOf(weights), vae: bytesOf(vaeWeights), 'text encoder': bytesOf(textWeights) },
    cost(node, geometry) {
      const own = weights.scope(node.path);
      const list = own.names().map((name) => own.get(name));
      const captionTokens = Math.min(averageCaptionTokens, config.maxCaptionLength);
      return {
        parameters: list.reduce((sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1), 0),
        bytes: bytesOf(own),
        flops: moduleFlops(config, node, { geometry, batch: 2, captionTokens }),
      };
    },
    hiddenSize({ latent }) {
      const { rows, columns } = patchGrid(config, latent);
      return 2 * latent.frames * rows * columns * config.hiddenSize;
    },
    prepare(prompt, options = {}) {
      const { aestheticScore, motionScore, cameraMotion } = { ...settings.prompt, ...definedOnly(options) };
      const scores = { aesthetic: aestheticScore, motion: motionScore, camera: cameraMotion };
      const { segments, references, maskStrategy } = preparePrompt(prompt, scores);
      const unknownWords = [...new Set(segments.flatMap(({ text }) => tokenizer.unknownWords(text)))];
      return { textFor: (loop) => segmentFor(segments, loop), references, maskStrategy, unknownWords };
    },
    async encodeText(texts, signal) {
      const encodings = texts.map((text) => tokenizer.encode(text, config.maxCaptionLength));
      const ids = encodings.map(({ inputIds }) => [...inputIds]);
      return encoder.encode({ ids, mask: encodings.map(({ attentionMask }) => [...attentionMask]) }, { signal });
    },
    timesteps: ({ height, width, numFrames }, steps) =>
      rflowTimesteps({ steps, height, width, frames: numFrames, baseResolution: settings.timestepBaseResolution }),
    sampler: (options) => rflow(runtime, { ...options, channels: config.inChannels }),
    begin: ({ geometry, ...conditioning }) => {
      const fps = geometry.numFrames > 1 ? geometry.fps : imageFrameRate;
      return network.begin({ ...conditioning, geometry: { ...geometry, fps } });
    },
    decode: (latents, numFrames, signal) => vae.decode(latents, numFrames, { signal }),
    encode: (clip, randn, signal) => vae.encode(clip, randn, { signal }),
    features: vae.features && ((clip, signal) => vae.features!(clip, { signal })),
    async [Symbol.asyncDispose]() {
      await encoder.release();
      await network.release();
      await vae.release();
    },
  };
}

async function readTokenizer(folder: string): Promise<T5Tokenizer> {
  for (const name of ['tokenizer.json', 'spiece.model']) {
    let contents: Uint8Array;
    try {
      contents = await readFile(join(folder, name));
    } catch {
      continue;
    }
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

/** What to say of tensors that a checkpoint has and the model has no use for. */
const warnOfUnused = (part: string, names: readonly string[]): string[] =>
  names.length ? [`The ${part}'s checkpoint has tensors that are not used: ${abridge(names, 6)}.`] : [];
/** An options object without its undefined fields, so that they do not hide defaults. */
const definedOnly = <T extends object>(options: T): Partial<T> =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<T>;
