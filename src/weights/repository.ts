/**
 * Which files of a hub repository are needed: configurations, tokenizers, and one checkpoint per folder.
 *
 * Invariants: nothing else is ever fetched (no pickles, no code, no pictures); a repository with weights at its root is one
 * model and its folders are left alone; one without is a pipeline, and every folder's weights are taken.
 */
import { QuantCacheError } from '../errors.ts';
import { isInside } from '../files/names.ts';
import { ambiguousError, pickleError, selectWeights } from './selection.ts';

/** Small files that are needed from every folder. */
const companions = new Set([
  'config.json',
  'model_index.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'spiece.model',
]);

/** A model on the hub as named by people: `owner/name[:folder or file][@revision]`. */
export interface HubId {
  /** `owner/name`. */
  name: string;
  /** A folder or file within; empty for the whole repository. */
  inside: string;
  /** A branch, tag or commit. */
  revision: string;
}

/**
 * Reads `owner/name[:folder or file][@revision]`; undefined if it is not of that form. More than two parts are none: they are
 * a local path that is not there.
 */
export function parseHubId(text: string): HubId | undefined {
  const match = /^([\w.-]+\/[\w.-]+)(?::([\w./-]+))?(?:@([\w./-]+))?$/.exec(text);
  if (!match) return undefined;
  const [, name = '', inside, revision = 'main'] = match;
  if (![name, inside ?? name, revision].every(isInside)) return undefined;
  return { name, inside: inside ?? '', revision };
}

/** A repository file's folder ('' at the root) and its name there. */
export function splitPath(path: string): [folder: string, name: string] {
  const slash = path.lastIndexOf('/');
  return [path.slice(0, Math.max(slash, 0)), path.slice(slash + 1)];
}

/** The paths to fetch among those of a repository, small companions first. */
export function selectFiles(paths: readonly string[], inside: string, place: string): string[] {
  const small = paths.filter((path) => companions.has(splitPath(path)[1]));
  if (inside.endsWith('.safetensors')) {
    if (paths.includes(inside)) return [...small, inside];
    throw new QuantCacheError('model_not_found', `${place} has no file ${inside}. Look at its list of files.`);
  }
  const folders = new Map<string, string[]>();
  for (const path of paths) {
    const [folder, name] = splitPath(path);
    if (!inside || folder === inside || folder.startsWith(`${inside}/`)) {
      folders.set(folder, [...(folders.get(folder) ?? []), name]);
    }
  }
  const root = folders.get(inside);
  const chosen = root ? weightsIn(inside, root, place) : [];
  if (!chosen.length) for (const [folder, names] of folders) chosen.push(...weightsIn(folder, names, place));
  if (!chosen.length) throw nothingError(folders, inside, place);
  return [...small, ...chosen];
}

function weightsIn(folder: string, names: readonly string[], place: string): string[] {
  const selection = selectWeights(names);
  const paths = (list: readonly string[]) => list.map((name) => (folder ? `${folder}/${name}` : name));
  switch (selection.kind) {
    case 'file':
      return paths([selection.name]);
    case 'sharded':
      return paths([selection.name, ...selection.shards]);
    case 'ambiguous':
      throw ambiguousError(folder ? `${place}/${folder}` : place, selection.names);
    case 'pickles':
    case 'none':
      return [];
    default:
      return selection satisfies never;
  }
}

function nothingError(folders: ReadonlyMap<string, string[]>, inside: string, place: string): QuantCacheError {
  const where = inside ? `${place}:${inside}` : place;
  for (const names of folders.values()) {
    const selection = selectWeights(names);
    if (selection.kind === 'pickles') return pickleError(where, selection.names);
  }
  return new QuantCacheError(
    'model_not_found',
    `${where} holds no .safetensors weights. Name another model or folder.`,
  );
}
