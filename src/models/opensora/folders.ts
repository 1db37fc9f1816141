/**
 * Where the parts of an Open-Sora model lie. The published model is three repositories: the transformer, and beside it a
 * VAE and a text encoder. A folder with a `quantcache.json` holds all three, and its own defaults.
 */
import { join } from 'node:path';
import * as z from 'zod';
import { QuantCacheError } from '../../errors.ts';
import { parseJson } from '../../files/json.ts';
import { nameInside } from '../../files/names.ts';
import { findText } from '../../files/read.ts';
import type { GenerationDefaults } from '../../pipeline.ts';
import type { QuantizationOptions } from '../../quantization/quantizer.ts';
import { recipesSchema } from '../../quantization/recipe.ts';
import { issuesOf } from '../../refusals.ts';
import { type ResolveOptions, resolveModel } from '../../weights/hub.ts';
import { publishedCoefficients } from './coefficients.ts';
import type { PromptOptions } from './options.ts';

/** The companions of the published transformer, as hub ids. The original T5 has only pickles; this copy is safetensors. */
export const publishedCompanions = {
  vae: 'hpcai-tech/OpenSora-VAE-v1.2',
  textEncoder: 'city96/t5-v1_1-xxl-encoder-bf16',
};

/** Open-Sora 1.2's own inference defaults. */
const publishedSettings: ModelSettings = {
  defaults: { height: 240, width: 426, numFrames: 51, fps: 24, numSteps: 30, guidanceScale: 7 },
  prompt: { aestheticScore: 6.5 },
  timestepBaseResolution: 512 * 512,
  policies: publishedCoefficients,
};

/** What a model is run with unless the caller says otherwise. */
export interface ModelSettings {
  readonly defaults: GenerationDefaults;
  readonly prompt: PromptOptions;
  /** Pixels per frame for which the sampling times are not shifted. */
  readonly timestepBaseResolution: number;
  /** What integer precisions mean for this model, where not the default. */
  readonly recipes?: QuantizationOptions['recipes'];
  /** Options of policies that were published for this checkpoint, by the policy's name. */
  readonly policies?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** The parts of a model on this machine. */
export interface ModelFolders {
  readonly transformer: string;
  readonly vae: string;
  readonly textEncoder: string;
  readonly settings: ModelSettings;
}

export interface FolderOptions extends ResolveOptions {
  /** Folder or hub id of the VAE, instead of the model's own or published one. */
  readonly vae?: string;
  readonly textEncoder?: string;
}

const settingsSchema = z.object({
  transformer: nameInside,
  vae: nameInside,
  textEncoder: nameInside,
  defaults: z.object({
    height: z.int().positive(),
    width: z.int().positive(),
    numFrames: z.int().positive(),
    fps: z.number().positive(),
    numSteps: z.int().positive(),
    guidanceScale: z.number(),
    aestheticScore: z.number().nullish(),
  }),
  /** Side of a square frame for which the sampling times are not shifted. */
  timestepTransformBaseResolution: z.number().positive(),
  recipes: recipesSchema.optional(),
});

/** Finds the parts of the model in `folder`, downloading companions that are named by hub id. */
export async function findFolders(folder: string, options: FolderOptions): Promise<ModelFolders> {
  const file = join(folder, 'quantcache.json');
  const text = await findText(file);
  if (text === undefined) {
    const part = async (name: string) => (await resolveModel(name, options)).path;
    return {
      transformer: folder,
      vae: await part(options.vae ?? publishedCompanions.vae),
      textEncoder: await part(options.textEncoder ?? publishedCompanions.textEncoder),
      settings: publishedSettings,
    };
  }
  const settings = parseAs(settingsSchema.parse, text, file);
  const { defaults, timestepTransformBaseResolution, recipes, ...parts } = settings;
  const { aestheticScore, ...sizes } = defaults;
  const part = async (own: string, other: string | undefined) =>
    other ? (await resolveModel(other, options)).path : join(folder, own);
  return {
    transformer: join(folder, parts.transformer),
    vae: await part(parts.vae, options.vae),
    textEncoder: await part(parts.textEncoder, options.textEncoder),
    settings: {
      defaults: sizes,
      prompt: { aestheticScore: aestheticScore ?? null },
      timestepBaseResolution: timestepTransformBaseResolution ** 2,
      recipes,
    },
  };
}

/** A part's `config.json`; an empty object, and so all defaults, where `optional` and missing. */
export async function readConfig<Config>(
  folder: string,
  parse: (json: unknown) => Config,
  optional = false,
): Promise<Config> {
  const file = join(folder, 'config.json');
  const text = await findText(file);
  if (text !== undefined) return parseAs(parse, text, file);
  if (optional) return parse({});
  throw new QuantCacheError('model_not_found', `There is no file ${file}. Name a folder with a config.json.`);
}

const description = { what: 'a description of a model', todo: 'Copy or download it again.' };

function parseAs<Result>(parse: (json: unknown) => Result, text: string, file: string): Result {
  try {
    return parse(parseJson(text, file, z.unknown(), description));
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error;
    throw new QuantCacheError('corrupt_file', `${file} does not describe a model we can run: ${issuesOf(error)}.`, {
      cause: error,
    });
  }
}
