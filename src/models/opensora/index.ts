/**
 * Open-Sora 1.2 as a pipeline: T5, STDiT3, rectified flow and the video VAE, from the folders of a checkpoint. The demo
 * model is the same design with smaller numbers and runs through this same file.
 */

import { readEnvironment } from '../../environment.ts';
import type { Pipeline } from '../../pipeline.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { openCache } from '../../weights/cache.ts';
import { bytesOf, openCheckpoint } from '../../weights/checkpoint.ts';
import { abridge } from '../../weights/selection.ts';
import type { Family } from '../family.ts';
import { conditionClips } from './conditioning.ts';
import { type FolderOptions, findFolders, readConfig } from './folders.ts';
import { geometryOf, limitsOf } from './geometry.ts';
import { openRandomModules } from './modules.ts';
import { checkParts } from './parts.ts';
import { writeRandomModel } from './random.ts';
import type { Stdit3Options } from './stdit3/network.ts';
import { openText } from './text.ts';
import { openTransformer } from './transformer.ts';
import { parseVaeConfig } from './vae/config.ts';
import { loadVae } from './vae/index.ts';
import { openSoraVerifiers } from './verify/index.ts';

/** The line of the registry. */
export const openSora: Family = {
  types: ['STDiT3', 'opensora'],
  open: openOpenSora,
  verifiers: openSoraVerifiers,
  writeRandom: writeRandomModel,
  openModules: openRandomModules,
};

/** Opens a model folder. Every tensor's name and shape is checked; no weight is read before it is needed. */
async function openOpenSora(
  runtime: Runtime,
  model: string,
  folder: string,
  options: FolderOptions & { readonly keepText?: boolean; readonly quantization?: Stdit3Options },
): Promise<Pipeline> {
  const folders = await findFolders(folder, options);
  const { settings } = folders;
  const warn = (message: string) => options.onProgress?.({ type: 'warning', message });
  const cache = openCache((options.environment ?? readEnvironment()).home, warn);
  const transformer = await openTransformer(runtime, {
    folder: folders.transformer,
    settings,
    model: { name: model, folder },
    quantization: { cache, ...options.quantization },
  });
  const vaeWeights = await openCheckpoint(folders.vae);
  const vaeConfig = await readConfig(folders.vae, parseVaeConfig, true);
  const vae = loadVae(runtime, vaeWeights, vaeConfig);
  const text = await openText(runtime, {
    folder: folders.textEncoder,
    defaults: settings.prompt,
    maxLength: transformer.config.maxCaptionLength,
    nullCaption: transformer.nullCaption,
    cache: options.keepText === false ? undefined : cache,
  });
  checkParts({
    transformer: transformer.config,
    vae: vaeConfig,
    textEncoder: text.config,
    tokenizer: text.tokenizer,
  });
  const sizes = { defaults: settings.defaults, channels: transformer.config.inChannels, factors: vae.factors };
  return {
    model,
    folder,
    hash: transformer.hash,
    warnings: [
      ...warnOfUnused('transformer', transformer.unused),
      ...warnOfUnused('VAE', vae.unused),
      ...warnOfUnused('text encoder', text.unused),
    ],
    defaults: settings.defaults,
    limits: limitsOf(sizes),
    geometry: (request) => geometryOf(sizes, request),
    text,
    condition: (request) => conditionClips((clip, randn, signal) => vae.encode(clip, randn, { signal }), request),
    network: transformer.stage,
    pixels: {
      overlap: vae.factors.chunkFrames,
      decode: (latents, numFrames, signal) => vae.decode(latents, numFrames, { signal }),
      features: vae.features && ((clip, signal) => vae.features!(clip, { signal })),
    },
    costs: {
      ...transformer.costs,
      decoderBytes: ({ height, width }) => vae.decoderBytes(height * width),
      weightBytes: { transformer: transformer.bytes, vae: bytesOf(vaeWeights), 'text encoder': text.bytes },
    },
    publishedOptions: (policy) => settings.policies?.[policy] ?? {},
    async [Symbol.asyncDispose]() {
      await text.dispose();
      await transformer.dispose();
      await vae.dispose();
    },
  };
}

/** What to say of tensors that a checkpoint has and the model has no use for. */
const warnOfUnused = (part: string, names: readonly string[]): string[] =>
  names.length ? [`The ${part}'s checkpoint has tensors that are not used: ${abridge(names, 6)}.`] : [];
