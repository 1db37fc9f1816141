/**
 * From what people write after `--model` to a folder on this machine: a local path, or a model of the Hugging Face hub that is
 * downloaded into the standard cache.
 *
 * `@huggingface/hub` resolves revisions and lists files. What it lacks as of 2.17 is ours, in `download.ts`: resuming,
 * abort, progress, checking of hashes. Contents come over plain HTTP ranges rather than the xet protocol: one way, which
 * resumes, works with mirrors and is tested. The token is sent to the hub's own address only.
 */
import { stat, statfs } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { HubApiError, listFiles, modelInfo } from '@huggingface/hub';
import { type Environment, readEnvironment } from '../environment.ts';
import { QuantCacheError, throwIfAborted } from '../errors.ts';
import { isInside } from '../files/names.ts';
import { isThere } from '../files/read.ts';
import { type DownloadProgress, downloadBlob, persistently, type RemoteFile } from './download.ts';
import { type HubAccess, openHubAccess } from './hub-access.ts';
import { checkAnswer } from './hub-answers.ts';
import { cachedSnapshot, linkBlob, repositoryFolder, writeReference } from './hub-cache.ts';
import { hubError } from './hub-error.ts';
import { type HubId, parseHubId, selectFiles } from './repository.ts';

/** Told while a model is brought here. */
export type HubEvent = DownloadProgress | { type: 'warning'; message: string };

/** How to resolve a model. */
export interface ResolveOptions {
  /** Default: read from the process's environment. */
  environment?: Environment;
  onProgress?: (event: HubEvent) => void;
  signal?: AbortSignal;
  /** Wait before a failed request is made again, in ms. Default 1000. */
  retryDelay?: number;
  /** How long the hub may send nothing before a request counts as failed, in ms. Default 10000. */
  silence?: number;
}

/** A model on this machine. */
export interface ResolvedModel {
  /** The folder (or the file, if one was named), absolute. */
  path: string;
  source: 'local' | 'hub' | 'cache';
  /** The commit of a model of the hub. */
  commit?: string;
}

/** Finds a model: a local folder or file, or a hub id `owner/name[:folder or file][@revision]`, downloaded if need be. */
export async function resolveModel(model: string, options: ResolveOptions = {}): Promise<ResolvedModel> {
  if (model && (await isThere(model))) return { path: resolve(model), source: 'local' };
  const id = parseHubId(model);
  if (!id) {
    const message = `There is no folder ${JSON.stringify(model)}. Name a local folder, or a model of the hub as owner/name, with a folder or file of it as owner/name:folder, with a revision as owner/name@revision.`;
    throw new QuantCacheError('model_not_found', message);
  }
  const environment = options.environment ?? readEnvironment();
  if (environment.offline) return fromCache(environment, id);
  throwIfAborted(options.signal);
  const access = await openHubAccess(environment, options);
  try {
    return await fromHub(access, environment.hubCache, id, options);
  } catch (error) {
    const failure = hubError(error, { model, access, signal: options.signal });
    if (failure.code !== 'network' && failure.code !== 'io') throw failure;
    const cached = await fromCache(environment, id).catch(() => undefined);
    if (!cached) throw failure;
    options.onProgress?.({ type: 'warning', message: `${failure.message} Going on with the copy in the cache.` });
    return cached;
  } finally {
    await access.close();
  }
}

async function fromCache(environment: Environment, id: HubId): Promise<ResolvedModel> {
  const { path, commit } = await cachedSnapshot(environment.hubCache, id);
  return { path: join(path, id.inside), source: 'cache', commit };
}

async function fromHub(
  access: HubAccess,
  hubCache: string,
  id: HubId,
  options: ResolveOptions,
): Promise<ResolvedModel> {
  const hub = { hubUrl: access.endpoint, fetch: listingFetch(access, options) };
  const { sha: commit } = await modelInfo({ ...hub, name: id.name, revision: id.revision, additionalFields: ['sha'] });
  const remote = new Map<string, RemoteFile>();
  for await (const entry of listFiles({ ...hub, repo: id.name, revision: commit, recursive: true })) {
    if (entry.type !== 'file' || !isInside(entry.path)) continue;
    const { path, size, oid = '', lfs } = entry;
    const url = `${access.endpoint}/${id.name}/resolve/${commit}/${path.split('/').map(encodeURIComponent).join('/')}`;
    remote.set(path, { path, url, size: lfs?.size ?? size, oid, sha256: lfs?.oid });
  }
  const needed = selectFiles([...remote.keys()], id.inside, id.name).map((path) => remote.get(path)!);
  const folder = repositoryFolder(hubCache, id.name);
  const blobOf = (file: RemoteFile) => join(folder, 'blobs', file.sha256 ?? file.oid);
  await checkSpace(hubCache, needed, blobOf);
  for (const file of needed) {
    const { onProgress, signal, retryDelay } = options;
    await downloadBlob(file, blobOf(file), { fetch: access.fetch, onProgress, signal, retryDelay });
    await linkBlob(blobOf(file), join(folder, 'snapshots', commit, file.path));
  }
  await writeReference(folder, id.revision, commit);
  return { path: join(folder, 'snapshots', commit, id.inside), source: 'hub', commit };
}

/** `fetch` for the hub's listings: what fails in passing is asked again, what comes back is checked. */
function listingFetch(access: HubAccess, { signal, retryDelay }: ResolveOptions): typeof fetch {
  return (input, init) => {
    const url = String(input);
    return persistently(
      async () => {
        const response = await access.fetch(url, init);
        if (!response.ok) {
          await response.body?.cancel();
          throw new HubApiError(url, response.status);
        }
        return checkAnswer(url, response);
      },
      { signal, retryDelay },
    );
  };
}

/** Refuses a download that cannot fit, before it begins. */
async function checkSpace(hubCache: string, files: RemoteFile[], blobOf: (file: RemoteFile) => string): Promise<void> {
  let needed = 0;
  for (const file of files) {
    const sizeOf = async (path: string) => (await stat(path).catch(() => undefined))?.size ?? 0;
    const here = Math.max(await sizeOf(blobOf(file)), await sizeOf(`${blobOf(file)}.incomplete`));
    needed += Math.max(file.size - here, 0);
  }
  let folder = hubCache;
  while (!(await isThere(folder)) && resolve(folder, '..') !== folder) folder = resolve(folder, '..');
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (needed > free) {
    const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;
    const message = `The download needs ${gigabytes(needed)}, but ${hubCache} has ${gigabytes(free)} free. Free some space, or set HF_HUB_CACHE to another folder.`;
    throw new QuantCacheError('io', message);
  }
}
