/**
 * Reference cases: tensors made by the original code, in the format of `golden/manifest.json`. A case is a safetensors
 * file with `weights/*`, `inputs/*`, `outputs/*` and `inter/*`, and a JSON file with its configuration.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, QuantCacheError } from '../errors.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { openCheckpoint, readFloat32, type Weights, weightsOf } from '../weights/checkpoint.ts';

/** Numbers and their shape. */
export interface Numbers {
  readonly data: Float32Array;
  readonly dims: readonly number[];
}

/** One reference case, opened. */
export interface ReferenceCase {
  readonly name: string;
  /** What computes it: `stdit3_forward`, `rflow_sample`... */
  readonly kind: string;
  readonly folder: string;
  /** The case's JSON file. */
  readonly json: Readonly<Record<string, unknown>>;
  readonly weights: Weights;
  /** Tensors below a prefix, by their full names: `names('inter/')`. */
  names(prefix: string): string[];
  has(name: string): boolean;
  /** A tensor by its full name: `read('inputs/x')`. */
  read(name: string): Promise<Numbers>;
}

/** A tensor that was computed, beside the one that was expected. */
export interface Comparison {
  readonly tensor: string;
  readonly expected: ArrayLike<number>;
  readonly actual: ArrayLike<number>;
}

/** Computes a case and compares tensor by tensor. */
export type Verifier = (runtime: Runtime, reference: ReferenceCase) => AsyncIterable<Comparison>;

interface ManifestEntry {
  kind: string;
  file?: string;
  json: string;
}

/** The cases that a folder's `manifest.json` lists. */
export async function openCases(folder: string): Promise<ReferenceCase[]> {
  const manifest = (await readJson(join(folder, 'manifest.json'))) as { cases?: Record<string, ManifestEntry> };
  if (typeof manifest.cases !== 'object') {
    throw new QuantCacheError(
      'corrupt_file',
      `${join(folder, 'manifest.json')} has no "cases"; see golden/manifest.json for the format.`,
    );
  }
  return Promise.all(Object.entries(manifest.cases).map(([name, entry]) => openCase(folder, name, entry)));
}

async function openCase(folder: string, name: string, entry: ManifestEntry): Promise<ReferenceCase> {
  const json = (await readJson(join(folder, entry.json))) as Record<string, unknown>;
  const tensors = entry.file ? await openCheckpoint(join(folder, entry.file)) : weightsOf([]);
  const weights = tensors.scope('weights/');
  return {
    name,
    kind: entry.kind,
    folder,
    json,
    weights,
    names: (prefix) => tensors.names().filter((tensor) => tensor.startsWith(prefix)),
    has: (tensor) => tensors.has(tensor),
    async read(tensor) {
      const weight = tensors.get(tensor);
      return { data: await readFloat32(weight), dims: weight.shape };
    },
  };
}

async function readJson(path: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new QuantCacheError(
      'model_not_found',
      `${path} cannot be read: ${messageOf(error)}. Name a folder with reference cases.`,
      {
        cause: error,
      },
    );
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new QuantCacheError('corrupt_file', `${path} is not valid JSON: ${messageOf(error)}`, { cause: error });
  }
}
