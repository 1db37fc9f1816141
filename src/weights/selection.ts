/**
 * Which files of a folder are the weights: the same rule for a folder on disk and for a listing of a hub repository.
 *
 * Order: `model.safetensors`, `diffusion_pytorch_model.safetensors`, the same two sharded (`*.safetensors.index.json`),
 * any one index, any one `.safetensors`. PyTorch pickles are never read: they can run code when opened.
 */
import { QuantCacheError } from '../errors.ts';

const stems = ['model', 'diffusion_pytorch_model'];
const indexEnding = '.safetensors.index.json';

/** One checkpoint among the names of a folder. */
export type Selection =
  | { kind: 'file'; name: string }
  | { kind: 'sharded'; name: string; shards: string[] } // the shards that are there; the index knows which must be
  | { kind: 'ambiguous'; names: string[] }
  | { kind: 'pickles'; names: string[] }
  | { kind: 'none' };

/** Whether a file name is a PyTorch pickle. */
export function isPickle(name: string): boolean {
  return /\.(bin|pt|pth|ckpt)$/.test(name);
}

/** Whether a file name is the index of a sharded checkpoint. */
export function isIndex(name: string): boolean {
  return name.endsWith(indexEnding);
}

function isSafetensors(name: string): boolean {
  return name.endsWith('.safetensors');
}

/** Picks the checkpoint among the file names of one folder. */
export function selectWeights(names: readonly string[]): Selection {
  const known = stems.map((stem) => `${stem}.safetensors`).find((name) => names.includes(name));
  if (known) return { kind: 'file', name: known };

  const indexes = names.filter(isIndex);
  const index = stems.map((stem) => stem + indexEnding).find((name) => indexes.includes(name)) ?? indexes[0];
  const knownIndex = index && stems.includes(index.slice(0, -indexEnding.length));
  if (index && (knownIndex || indexes.length === 1)) {
    const stem = index.slice(0, -indexEnding.length);
    const isShard = (name: string) => name.startsWith(`${stem}-`) && /-\d+-of-\d+\.safetensors$/.test(name);
    const shards = names.filter(isShard);
    return { kind: 'sharded', name: index, shards: shards.length ? shards.sort() : names.filter(isSafetensors).sort() };
  }

  const candidates = [...indexes, ...names.filter(isSafetensors)].sort();
  if (candidates.length === 1) return { kind: 'file', name: candidates[0]! };
  if (candidates.length > 1) return { kind: 'ambiguous', names: candidates };

  const pickles = names.filter(isPickle).sort();
  return pickles.length ? { kind: 'pickles', names: pickles } : { kind: 'none' };
}

/** The error for a checkpoint that exists as PyTorch pickles only. */
export function pickleError(place: string, names: readonly string[]): QuantCacheError {
  return new QuantCacheError(
    'unsupported_format',
    `${place} holds PyTorch pickles only (${abridge(names, 3)}); weights are read from .safetensors, because opening a pickle can run code. ` +
      'Use a safetensors copy (for the T5 v1.1 XXL encoder, for example city96/t5-v1_1-xxl-encoder-bf16), ' +
      'or convert it in Python: safetensors.torch.save_model(model, "model.safetensors").',
  );
}

/** The error for a folder with several checkpoints and none of the usual names. */
export function ambiguousError(place: string, names: readonly string[]): QuantCacheError {
  const todo = 'Name one of them, or rename it to model.safetensors.';
  return new QuantCacheError('invalid_option', `${place} holds several checkpoints: ${abridge(names, 12)}. ${todo}`);
}

/** The first `limit` of a list, then how many more there are. */
export function abridge(items: readonly string[], limit: number): string {
  const rest = items.length - limit;
  return items.slice(0, limit).join(', ') + (rest > 0 ? ` and ${rest} more` : '');
}
