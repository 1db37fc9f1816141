/**
 * A checkpoint as a dictionary of weights: one safetensors file, a folder with one, or shards behind an index.
 *
 * Invariants: only headers are read; a `Weight` says where its bytes lie, so that ONNX graphs point into the file itself.
 * `file` is the real path, links resolved (as the Hugging Face cache uses them): one file has one name wherever it is
 * referenced, hashed or mapped.
 */
import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { QuantCacheError } from '../errors.ts';
import { fileError } from '../files/failure.ts';
import type { TensorEntry } from './format.ts';
import { readBytes, readHeader, readTensor } from './safetensors.ts';
import { abridge, ambiguousError, isIndex, isPickle, pickleError, selectWeights } from './selection.ts';
import { readIndex } from './shards.ts';

/** One tensor of a checkpoint and where its bytes lie. */
export interface Weight extends TensorEntry {
  /** Absolute path of the file, links resolved; `offset` and `length` are bytes in it. */
  file: string;
}

/** Weights by name. */
export interface Weights {
  has(name: string): boolean;
  /** The weight of this name; `weights_mismatch` if there is none. Its `name` is the full one, also within a scope. */
  get(name: string): Weight;
  /** All names, in the order of the files; within a scope, without its prefix. */
  names(): string[];
  /** The weights of a module: names that begin with `prefix` and a dot (no dot is added after `.` or `/`). */
  scope(prefix: string): Weights;
}

/** Size of all weights as they are stored. */
export const bytesOf = (weights: Weights): number =>
  weights.names().reduce((sum, name) => sum + weights.get(name).length, 0);

/** An opened checkpoint. */
export interface Checkpoint extends Weights {
  /** What was opened, absolute. */
  path: string;
  /** The safetensors files, absolute, links resolved. */
  files: string[];
  /** The `__metadata__` of all files. */
  metadata: Record<string, string>;
}

/** Opens a `.safetensors` file, an index of shards, or a folder with one of them. */
export async function openCheckpoint(path: string): Promise<Checkpoint> {
  const absolute = resolve(path);
  const file = (await isFolder(absolute)) ? await findInFolder(absolute) : absolute;
  if (isPickle(file)) throw pickleError(file, [basename(file)]);
  if (isIndex(file)) return openShards(absolute, file);
  if (file.endsWith('.json')) {
    const message = `${file} is not a checkpoint. Name a folder, a .safetensors file or a .safetensors.index.json file.`;
    throw new QuantCacheError('unsupported_format', message);
  }
  return openFiles(absolute, [file]);
}

/** The values of a small weight as float32. */
export function readFloat32(weight: Weight): Promise<Float32Array> {
  return readTensor(weight.file, weight);
}

/** The bytes of a small weight, as they are stored. */
export function readWeightBytes(weight: Weight): Promise<Uint8Array> {
  return readBytes(weight.file, weight);
}

/** Weights from a plain list, for example of quantized files next to original ones. Later ones replace earlier ones. */
export function weightsOf(list: Iterable<Weight>): Weights {
  return scoped(new Map([...list].map((weight) => [weight.name, weight])), '');
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      throw new QuantCacheError('model_not_found', `There is no file or folder ${path}. Check the path.`, {
        cause: error,
      });
    }
    throw fileError('read', path, error);
  }
}

async function findInFolder(folder: string): Promise<string> {
  const selection = selectWeights(await listFolder(folder));
  switch (selection.kind) {
    case 'file':
    case 'sharded':
      return join(folder, selection.name);
    case 'ambiguous':
      throw ambiguousError(folder, selection.names);
    case 'pickles':
      throw pickleError(folder, selection.names);
    case 'none': {
      const allowed =
        'model.safetensors, diffusion_pytorch_model.safetensors, one other .safetensors or an index of shards';
      throw new QuantCacheError('model_not_found', `${folder} holds no weights. Needed there: ${allowed}.`);
    }
    default:
      return selection satisfies never;
  }
}

/** The tensors of some files; of those that lie in several, or need not be read, `belongs` says which count. */
async function openFiles(
  path: string,
  files: string[],
  belongs: (tensor: string, file: string) => boolean = () => true,
): Promise<Checkpoint> {
  const weights = new Map<string, Weight>();
  const metadata: Record<string, string> = {};
  const real: string[] = [];
  for (const file of files) {
    const header = await readHeader(file);
    const target = await realpath(file).catch((error: unknown) => {
      throw fileError('read', file, error);
    });
    real.push(target);
    for (const tensor of header.tensors.values())
      if (belongs(tensor.name, file)) weights.set(tensor.name, { ...tensor, file: target });
    Object.assign(metadata, header.metadata);
  }
  return { path, files: real, metadata, ...scoped(weights, '') };
}

/** Opens the shards of an index, which alone decides where a tensor lies: what else a shard holds does not count. */
async function openShards(path: string, index: string): Promise<Checkpoint> {
  const folder = dirname(index);
  const shardOf = await readIndex(index);
  const shards = [...new Set(shardOf.values())].sort();
  const present = new Set(await listFolder(folder));
  const missing = shards.filter((shard) => !present.has(shard));
  if (missing.length) {
    const message = `${folder} lacks ${missing.length} of the ${shards.length} shards that ${basename(index)} lists: ${abridge(missing, 12)}. Download them again.`;
    throw new QuantCacheError('model_not_found', message);
  }
  const files = shards.map((shard) => join(folder, shard));
  const checkpoint = await openFiles(path, files, (tensor, file) => shardOf.get(tensor) === basename(file));
  const absent = [...shardOf].filter(([tensor]) => !checkpoint.has(tensor));
  if (absent.length) {
    const places = absent.map(([tensor, shard]) => `${tensor} (${shard})`);
    const message = `${absent.length} tensors are not in the shards that ${index} says: ${abridge(places, 12)}. Download index and shards again.`;
    throw new QuantCacheError('corrupt_file', message);
  }
  return checkpoint;
}

/** The names in a folder. */
function listFolder(folder: string): Promise<string[]> {
  return readdir(folder).catch((error: unknown) => {
    throw fileError('read', folder, error);
  });
}

function scoped(all: ReadonlyMap<string, Weight>, prefix: string): Weights {
  return {
    has: (name) => all.has(prefix + name),
    get(name) {
      const weight = all.get(prefix + name);
      if (weight) return weight;
      const message = `The checkpoint has no tensor "${prefix}${name}"; it has ${all.size}: ${abridge([...all.keys()], 3)}. Check that it is of the right model.`;
      throw new QuantCacheError('weights_mismatch', message);
    },
    names: () => [...all.keys()].filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length)),
    scope: (inner) => scoped(all, inner === '' || /[./]$/.test(inner) ? prefix + inner : `${prefix}${inner}.`),
  };
}
