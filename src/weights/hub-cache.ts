/**
 * The Hugging Face cache on disk, shared with the Python library.
 *
 *     models--owner--name/
 *       refs/main                  the commit that the branch pointed to when it was last fetched
 *       blobs/<etag>               contents by SHA-256 (large files) or git hash (small ones); `.incomplete` while partial
 *       snapshots/<commit>/path    links to blobs
 *
 * Invariants: a snapshot's link is made only to a complete, checked blob; a ref is written only when its snapshot has all
 * that was asked for. Reference: huggingface_hub, "Understand caching".
 */
import { link, mkdir, readdir, rm, stat, symlink } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { getRepoFolderName } from '@huggingface/hub';
import { QuantCacheError } from '../errors.ts';
import { fileError, systemCode } from '../files/failure.ts';
import { findText, isThere } from '../files/read.ts';
import { saveText } from '../files/write.ts';
import { type HubId, selectFiles, splitPath } from './repository.ts';
import { abridge, isIndex } from './selection.ts';
import { readIndex } from './shards.ts';

/** The folder of one repository in the cache. */
export function repositoryFolder(hubCache: string, name: string): string {
  return join(hubCache, getRepoFolderName({ type: 'model', name }));
}

/** Whether a revision is a full commit hash. */
export function isCommit(revision: string): boolean {
  return /^[0-9a-f]{40}$/.test(revision);
}

/** Remembers which commit a branch or tag pointed to. */
export async function writeReference(folder: string, revision: string, commit: string): Promise<void> {
  const file = join(folder, 'refs', revision);
  if (revision !== commit && (await findText(file))?.trim() !== commit) await saveText(file, commit);
}

/** Makes a file of a snapshot point to its blob; a hard link where symbolic links are not allowed (Windows). */
export async function linkBlob(blob: string, pointer: string): Promise<void> {
  try {
    const [source, target] = [await stat(blob), await stat(pointer).catch(() => undefined)];
    if (target?.ino === source.ino && target.dev === source.dev) return;
    await mkdir(dirname(pointer), { recursive: true });
    await rm(pointer, { force: true });
    await symlink(relative(dirname(pointer), blob), pointer).catch((error: unknown) => {
      const code = systemCode(error);
      if (code === 'EPERM') return link(blob, pointer);
      if (code !== 'EEXIST') throw error; // EEXIST: another process has just made it
    });
  } catch (error) {
    throw fileError('write', pointer, error);
  }
}

/** The snapshot of a model that is in the cache with all its files; otherwise an error that names what is missing. */
export async function cachedSnapshot(hubCache: string, id: HubId): Promise<{ path: string; commit: string }> {
  const folder = repositoryFolder(hubCache, id.name);
  const commit = isCommit(id.revision) ? id.revision : await readReference(folder, id);
  const path = join(folder, 'snapshots', commit);
  const names = await listFolder(path);
  if (!names.length) throw absent(`${id.name} (revision ${id.revision})`, path);
  const needed = new Set(selectCached(names, id, path));
  for (const index of [...needed].filter(isIndex)) {
    for (const shard of await shardsOf(path, index)) needed.add(shard);
  }
  const missing: string[] = [];
  for (const name of needed) {
    if (!(await isThere(join(path, name)))) missing.push(name); // a lost blob counts as missing, too
  }
  if (missing.length) throw absent(`${abridge(missing, 12)} of ${id.name} (revision ${id.revision})`, path);
  return { path, commit };
}

function selectCached(names: readonly string[], id: HubId, path: string): string[] {
  try {
    return selectFiles(names, id.inside, `The cached copy of ${id.name} (${path})`);
  } catch (error) {
    if (!(error instanceof QuantCacheError) || error.code !== 'model_not_found') throw error;
    throw absent(`${id.inside || 'model.safetensors'} of ${id.name} (revision ${id.revision})`, path);
  }
}

async function readReference(folder: string, id: HubId): Promise<string> {
  const file = join(folder, 'refs', id.revision);
  const commit = (await findText(file))?.trim() ?? '';
  if (!isCommit(commit)) throw absent(`${id.name} (revision ${id.revision})`, folder);
  return commit;
}

/** All files below a folder, with `/` between names, none where there is no folder; links count, wherever they lead. */
async function listFolder(path: string): Promise<string[]> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return [];
    throw fileError('read', path, error);
  });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(path, join(entry.parentPath, entry.name)).split(sep).join('/'));
}

async function shardsOf(snapshot: string, index: string): Promise<string[]> {
  const file = join(snapshot, index);
  if (!(await isThere(file))) return []; // reported as missing
  const [folder] = splitPath(index);
  const names = [...new Set((await readIndex(file)).values())];
  return names.map((name) => (folder ? `${folder}/${name}` : name));
}

function absent(what: string, place: string): QuantCacheError {
  return new QuantCacheError(
    'model_not_found',
    `${what} is not in the cache (${place}), and the hub is not used (HF_HUB_OFFLINE). Unset HF_HUB_OFFLINE once to download it, or name a local folder.`,
  );
}
