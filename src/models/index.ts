/** The model families, as a table: how a folder is recognised and opened. A new family is one folder and one line here. */

import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { QuantCacheError } from '../errors.ts';
import { findJson } from '../files/json.ts';
import { checkOptionNames, type OptionNames } from '../options.ts';
import type { Pipeline } from '../pipeline.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { Verifier } from '../verification/case.ts';
import { resolveModel } from '../weights/hub.ts';
import type { Family, ModelOptions } from './family.ts';
import { openSora } from './opensora/index.ts';

/** The registry: one line each. */
export const families: Family[] = [openSora];

/** The name of the model in this package. */
export const demoModel = 'demo';
/** Where it lies. */
export const demoFolder = fileURLToPath(new URL('../../models/demo', import.meta.url));

/** How to verify each kind of reference case. */
export const verifiers = (): Readonly<Record<string, Verifier>> =>
  Object.assign({}, ...families.map((family) => family.verifiers));

const optionNames: OptionNames<ModelOptions> = {
  model: true,
  vae: true,
  textEncoder: true,
  keepText: true,
  quantization: true,
  environment: true,
  onProgress: true,
  signal: true,
  retryDelay: true,
  silence: true,
};

const quantizationNames: OptionNames<NonNullable<ModelOptions['quantization']>> = {
  recipes: true,
  maxima: true,
  own: true,
  cache: true,
  recorder: true,
};

/** Opens a model by name, folder or hub id. */
export async function openModel(runtime: Runtime, options: ModelOptions = {}): Promise<Pipeline> {
  checkOptionNames(options, optionNames, 'openModel()');
  checkOptionNames(options.quantization ?? {}, quantizationNames, 'The quantization of openModel()');
  const model = options.model ?? demoModel;
  const folder = model === demoModel ? demoFolder : (await resolveModel(model, options)).path;
  const type = await typeOf(folder);
  const family = families.find((candidate) => candidate.types.includes(type ?? ''));
  if (family) return family.open(runtime, model === demoModel ? model : basename(model), folder, options);
  const known = families.flatMap((candidate) => candidate.types).join(', ');
  const found = type === undefined ? 'has no config.json with a "model_type"' : `is of type "${type}"`;
  throw new QuantCacheError('unsupported_format', `The model in ${folder} ${found}; types that we run: ${known}.`);
}

const description = { what: 'the description of a model', todo: 'Copy or download it again.' };

async function typeOf(folder: string): Promise<string | undefined> {
  for (const [file, field] of [
    ['quantcache.json', 'family'],
    ['config.json', 'model_type'],
  ] as const) {
    const document = await findJson(join(folder, file), z.looseObject({}), description);
    if (document) return typeof document[field] === 'string' ? document[field] : undefined;
  }
  return undefined;
}
