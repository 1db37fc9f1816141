/**
 * Reference cases: tensors made by the original code, in the format of `golden/manifest.json`. A case is a safetensors
 * file with `weights/*`, `inputs/*`, `outputs/*` and `inter/*`, and a JSON file with its configuration.
 */
import { join } from 'node:path';
import * as z from 'zod';
import { parseJson, readJson } from '../files/json.ts';
import { nameInside } from '../files/names.ts';
import { readText } from '../files/read.ts';
import type { Policy } from '../policy.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { openCheckpoint, readFloat32, type Weights, weightsOf } from '../weights/checkpoint.ts';

/** Numbers and their shape. */
export interface Numbers {
  readonly data: Float32Array;
  readonly dims: readonly number[];
}

/** What most cases say: the configuration of what computes them, read further by the part itself. */
export const configured = z.looseObject({ config: z.unknown() });

/** One reference case, opened. */
export interface ReferenceCase {
  readonly name: string;
  /** What computes it: `stdit3_forward`, `rflow_sample`... */
  readonly kind: string;
  readonly folder: string;
  /** What the case's JSON file says. Throws `corrupt_file` that names file and field where the schema refuses it. */
  parse<Schema extends z.ZodType>(schema: Schema): z.output<Schema>;
  readonly weights: Weights;
  /** Tensors below a prefix, by their full names: `names('inter/')`. */
  names(prefix: string): string[];
  has(name: string): boolean;
  /** A tensor by its full name: `read('inputs/x')`. */
  read(name: string): Promise<Numbers>;
}

/** A tensor that was computed, beside the one that was expected; undefined where nothing computes it. */
export interface Comparison {
  readonly tensor: string;
  readonly expected: ArrayLike<number>;
  readonly actual: ArrayLike<number> | undefined;
}

/** Policies by name, for cases that were made under one; models do not know them. */
export type PolicyMaker = (name: string, options?: Readonly<Record<string, unknown>>) => Policy;

/** Computes a case and compares tensor by tensor. */
export type Verifier = (
  runtime: Runtime,
  reference: ReferenceCase,
  createPolicy: PolicyMaker,
) => AsyncIterable<Comparison>;

const purpose = {
  what: 'a list of reference cases',
  todo: 'Name a folder with reference cases, or correct the file.',
};

const entrySchema = z.looseObject({ kind: z.string(), file: nameInside.optional(), json: nameInside });
const manifestSchema = z.looseObject({
  cases: z
    .record(z.string(), entrySchema)
    .refine((cases) => Object.keys(cases).length > 0, { error: 'there is no case' }),
});

/** The cases that a folder's `manifest.json` lists, at least one. Throws `corrupt_file` that names file and field. */
export async function openCases(folder: string): Promise<ReferenceCase[]> {
  const { cases } = await readJson(join(folder, 'manifest.json'), manifestSchema, purpose);
  return Promise.all(Object.entries(cases).map(([name, entry]) => openCase(folder, name, entry)));
}

async function openCase(folder: string, name: string, entry: z.output<typeof entrySchema>): Promise<ReferenceCase> {
  const file = join(folder, entry.json);
  const casePurpose = { what: `a reference case of the kind "${entry.kind}"`, todo: 'Copy or make it again.' };
  const text = await readText(file, casePurpose);
  const tensors = entry.file ? await openCheckpoint(join(folder, entry.file)) : weightsOf([]);
  const weights = tensors.scope('weights/');
  return {
    name,
    kind: entry.kind,
    folder,
    parse: (schema) => parseJson(text, file, schema, casePurpose),
    weights,
    names: (prefix) => tensors.names().filter((tensor) => tensor.startsWith(prefix)),
    has: (tensor) => tensors.has(tensor),
    async read(tensor) {
      const weight = tensors.get(tensor);
      return { data: await readFloat32(weight), dims: weight.shape };
    },
  };
}
