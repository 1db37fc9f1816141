import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readEnvironment } from '../environment.ts';
import { openCheckpoint } from './checkpoint.ts';
import { encode } from './format.ts';
import { type HubEvent, type ResolveOptions, resolveModel } from './hub.ts';

const commit = 'a'.repeat(40);
const root = realpathSync(mkdtempSync(join(tmpdir(), 'quantcache-hub-')));
afterAll(() => rmSync(root, { recursive: true }));

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const gitHash = (bytes: Uint8Array) => createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');

/** A real checkpoint of about a megabyte, so that it arrives in many pieces. */
const weights = encode([
  {
    name: 'x',
    dtype: 'F32',
    shape: [512, 512],
    data: Float32Array.from({ length: 512 * 512 }, (_, i) => Math.sin(i)),
  },
]);
const repository: Record<string, Uint8Array> = {
  'README.md': Buffer.from('# not needed'),
  'config.json': Buffer.from('{"depth": 28}'),
  'model.safetensors': weights,
  'pytorch_model.bin': Buffer.from('a pickle'),
  'tokenizer.json': Buffer.from('{"version": "1.0"}'),
  'fp16/model.safetensors': Buffer.from('never fetched'),
};

// A hub on one port that redirects large files to a store on another, as the real one does.
let files: Record<string, Uint8Array>;
let requests: { path: string; range?: string; authorization?: string }[];
/** How the store misbehaves for its next response. */
let cutAfter: number[]; // bytes to send before the connection breaks, one per response
let nextPage = ''; // the address that the listing's second page is said to be at
let hang: boolean; // keep the connection open instead of breaking it
let ignoreRange: boolean;
let served: (path: string) => Uint8Array;
let hub: Server;
let store: Server;
let hubUrl = '';
let storeUrl = '';
let cache = '';
let count = 0;

function sendFile(request: IncomingMessage, response: ServerResponse, bytes: Uint8Array): void {
  const from = ignoreRange ? 0 : Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  const rest = bytes.subarray(from);
  const status = request.headers.range && !ignoreRange ? 206 : 200;
  const range = status === 206 ? { 'Content-Range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` } : {};
  response.writeHead(status, { 'Content-Length': rest.length, ...range });
  const cut = cutAfter.shift();
  if (cut === undefined) response.end(rest);
  else response.write(rest.subarray(0, cut), () => hang || setTimeout(() => response.destroy(), 20));
}

function sendJson(response: ServerResponse, value: unknown, status = 200, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'Content-Type': 'application/json', ...headers });
  response.end(JSON.stringify(value));
}

function answerHub(request: IncomingMessage, response: ServerResponse) {
  const url = new URL(request.url!, hubUrl);
  const { authorization, range } = request.headers;
  requests.push({ path: url.pathname, authorization, range });
  const api = /^\/api\/models\/([^/]+\/[^/]+)\/(revision|tree)\/([^/]+)$/.exec(url.pathname);
  const file = /^\/([^/]+\/[^/]+)\/resolve\/([0-9a-f]{40})\/(.+)$/.exec(url.pathname);
  const name = api?.[1] ?? file?.[1] ?? '';
  if (name === 'owner/private' && authorization !== 'Bearer hf_right') {
    return sendJson(response, { error: 'Invalid username or password.' }, 401);
  }
  if (name === 'owner/gated') return sendJson(response, { error: 'Access to this model is restricted.' }, 403);
  if (name === 'owner/busy') return sendJson(response, { error: 'Overloaded' }, 503);
  if (!['owner/model', 'owner/private'].includes(name))
    return sendJson(response, { error: 'Repository not found' }, 404);
  if (api?.[2] === 'revision') {
    if (!['main', 'v1', commit].includes(api[3]!)) return sendJson(response, { error: 'Invalid rev id' }, 404);
    return sendJson(response, { _id: '1', id: name, sha: commit, lastModified: '2026-01-01' });
  }
  if (api) return answerTree(url, response);
  const path = decodeURIComponent(file![3]!);
  if (!path.endsWith('.safetensors')) return sendFile(request, response, served(path));
  response.writeHead(302, { Location: `${storeUrl}/${path}`, 'X-Linked-ETag': sha256(files[path]!) }).end();
}

/** The listing, in two pages. */
function answerTree(url: URL, response: ServerResponse) {
  const entries = Object.entries(files).map(([path, bytes]) => ({
    type: 'file',
    path,
    size: bytes.length,
    oid: path.endsWith('.safetensors') ? '0'.repeat(40) : gitHash(bytes),
    ...(path.endsWith('.safetensors') && { lfs: { oid: sha256(bytes), size: bytes.length, pointerSize: 134 } }),
  }));
  if (url.searchParams.get('cursor')) return sendJson(response, entries.slice(2));
  const next = `<${nextPage}${url.pathname}?recursive=true&cursor=2>; rel="next"`;
  sendJson(response, [{ type: 'directory', path: 'fp16', size: 0 }, ...entries.slice(0, 2)], 200, { Link: next });
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

beforeEach(async () => {
  files = { ...repository };
  requests = [];
  cutAfter = [];
  hang = false;
  ignoreRange = false;
  served = (path) => files[path]!;
  hub = createServer(answerHub);
  store = createServer((request, response) => {
    const { authorization, range } = request.headers;
    requests.push({ path: `store${request.url}`, authorization, range });
    if (request.url!.startsWith('/api/')) return answerTree(new URL(request.url!, storeUrl), response);
    sendFile(request, response, served(request.url!.slice(1)));
  });
  hubUrl = await listen(hub);
  nextPage = hubUrl;
  storeUrl = (await listen(store)).replace('127.0.0.1', 'localhost');
  cache = join(root, String(count++));
});
afterEach(async () => {
  for (const server of [hub, store]) {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  }
});

function resolveHere(model: string, env: Record<string, string> = {}, options: ResolveOptions = {}) {
  const environment = readEnvironment({ HF_HOME: cache, HF_ENDPOINT: `${hubUrl}/`, ...env });
  return resolveModel(model, { retryDelay: 1, ...options, environment });
}
const folderOf = (name: string) => join(cache, 'hub', `models--${name.replace('/', '--')}`);
const blobs = () => readdirSync(join(folderOf('owner/model'), 'blobs')).sort();
const storeRanges = () => requests.filter(({ path }) => path.startsWith('store')).map(({ range }) => range);

describe('downloading', () => {
  it('fetches what is needed into the standard cache layout, once', async () => {
    const events: HubEvent[] = [];
    const model = await resolveHere('owner/model', {}, { onProgress: (event) => events.push(event) });
    expect(model).toEqual({ path: join(folderOf('owner/model'), 'snapshots', commit), source: 'hub', commit });
    expect(readdirSync(model.path).sort()).toEqual(['config.json', 'model.safetensors', 'tokenizer.json']);
    expect(readlinkSync(join(model.path, 'model.safetensors'))).toBe(`../../blobs/${sha256(weights)}`);
    expect(readlinkSync(join(model.path, 'config.json'))).toBe(`../../blobs/${gitHash(files['config.json']!)}`);
    expect(readFileSync(join(folderOf('owner/model'), 'refs', 'main'), 'utf8')).toBe(commit);
    expect(readFileSync(join(model.path, 'model.safetensors')).equals(weights)).toBe(true);
    expect((await openCheckpoint(model.path)).get('x').shape).toEqual([512, 512]);
    const large = events.filter((event) => event.type === 'download' && event.file === 'model.safetensors');
    expect(large[0]).toMatchObject({ received: 0, total: weights.length });
    expect(large.at(-1)).toEqual({
      type: 'download',
      file: 'model.safetensors',
      received: weights.length,
      total: weights.length,
    });

    requests = [];
    await resolveHere('owner/model');
    expect(requests.filter(({ path }) => !path.startsWith('/api/'))).toEqual([]);
  });

  it('takes a revision, a folder, a file', async () => {
    await resolveHere('owner/model@v1');
    expect(readFileSync(join(folderOf('owner/model'), 'refs', 'v1'), 'utf8')).toBe(commit);
    files['fp16/model.safetensors'] = encode([{ name: 'y', dtype: 'U8', shape: [1], data: Uint8Array.of(1) }]);
    const folder = await resolveHere('owner/model:fp16');
    expect((await openCheckpoint(folder.path)).names()).toEqual(['y']);
    const file = await resolveHere('owner/model:model.safetensors');
    expect((await openCheckpoint(file.path)).names()).toEqual(['x']);
    await expect(resolveHere('owner/model:none.safetensors')).rejects.toMatchObject({ code: 'model_not_found' });
  });

  it('fetches all shards of a pipeline folder', async () => {
    const part = (name: string) => encode([{ name, dtype: 'U8', shape: [1], data: Uint8Array.of(1) }]);
    const map = { a: 'model-00001-of-00002.safetensors', b: 'model-00002-of-00002.safetensors' };
    files = {
      'model_index.json': Buffer.from('{}'),
      'text_encoder/config.json': Buffer.from('{}'),
      'text_encoder/model.safetensors.index.json': Buffer.from(JSON.stringify({ weight_map: map })),
      'text_encoder/model-00001-of-00002.safetensors': part('a'),
      'text_encoder/model-00002-of-00002.safetensors': part('b'),
      'tokenizer/spiece.model': Buffer.from('pieces'),
    };
    const { path } = await resolveHere('owner/model');
    expect((await openCheckpoint(join(path, 'text_encoder'))).names()).toEqual(['a', 'b']);
    expect(existsSync(join(path, 'tokenizer', 'spiece.model'))).toBe(true);

    unlinkSync(realpathSync(join(path, 'text_encoder', map.b)));
    const message = expect.stringContaining(`text_encoder/${map.b} of owner/model`);
    await expect(resolveHere('owner/model', { HF_HUB_OFFLINE: '1' })).rejects.toMatchObject({
      code: 'model_not_found',
      message,
    });
  });

  it('sends the token to the hub and to nobody else', async () => {
    nextPage = storeUrl; // a listing that leads elsewhere must not take the token along
    await resolveHere('owner/private', { HF_TOKEN: 'hf_right' });
    for (const { path, authorization } of requests) {
      expect(authorization).toBe(path.startsWith('store') ? undefined : 'Bearer hf_right');
    }
    expect(storeRanges().length).toBe(2); // the second page and the weights
  });

  it('uses a local folder as it is', async () => {
    mkdirSync(cache);
    expect(await resolveHere(cache)).toEqual({ path: cache, source: 'local' });
    expect(requests).toEqual([]);
  });

  it('refuses a repository of pickles', async () => {
    files = { 'config.json': Buffer.from('{}'), 'pytorch_model.bin': Buffer.from('x') };
    await expect(resolveHere('owner/model')).rejects.toMatchObject({
      code: 'unsupported_format',
      message: expect.stringContaining('city96/t5-v1_1-xxl-encoder-bf16'),
    });
  });

  it('writes nothing outside the cache, whatever the hub lists', async () => {
    files['../../../../escaped/config.json'] = Buffer.from('{}');
    await resolveHere('owner/model');
    expect(requests.some(({ path }) => path.includes('escaped'))).toBe(false);
  });
});

describe('resuming', () => {
  it('goes on where a broken connection stopped', async () => {
    files = { 'model.safetensors': weights };
    cutAfter = [300_000, 100_000];
    const { path } = await resolveHere('owner/model');
    expect(storeRanges()).toEqual([undefined, 'bytes=300000-', 'bytes=400000-']);
    expect(readFileSync(join(path, 'model.safetensors')).equals(weights)).toBe(true);
  });

  it('goes on from what an earlier run left', async () => {
    files = { 'model.safetensors': weights };
    mkdirSync(join(folderOf('owner/model'), 'blobs'), { recursive: true });
    const partial = join(folderOf('owner/model'), 'blobs', `${sha256(weights)}.incomplete`);
    writeFileSync(partial, weights.subarray(0, 700_000));
    const { path } = await resolveHere('owner/model');
    expect(storeRanges()).toEqual(['bytes=700000-']);
    expect(readFileSync(join(path, 'model.safetensors')).equals(weights)).toBe(true);
    expect(blobs()).toEqual([sha256(weights)]);
  });

  it('starts again when the earlier part is bad, or the server ignores ranges', async () => {
    files = { 'model.safetensors': weights };
    mkdirSync(join(folderOf('owner/model'), 'blobs'), { recursive: true });
    const partial = join(folderOf('owner/model'), 'blobs', `${sha256(weights)}.incomplete`);
    writeFileSync(partial, Buffer.alloc(700_000, 1));
    await resolveHere('owner/model');
    expect(storeRanges()).toEqual(['bytes=700000-', undefined]);

    rmSync(folderOf('owner/model'), { recursive: true });
    ignoreRange = true;
    cutAfter = [300_000];
    const { path } = await resolveHere('owner/model');
    expect(readFileSync(join(path, 'model.safetensors')).equals(weights)).toBe(true);
  });

  it('gives up when nothing arrives any more, and keeps what has', async () => {
    files = { 'model.safetensors': weights };
    cutAfter = [300_000, 0, 0, 0, 0, 0];
    await expect(resolveHere('owner/model')).rejects.toMatchObject({
      code: 'network',
      message: expect.stringContaining(hubUrl),
    });
    expect(readFileSync(join(folderOf('owner/model'), 'blobs', blobs()[0]!)).length).toBe(300_000);
    expect(blobs()).toEqual([`${sha256(weights)}.incomplete`]);
    expect(existsSync(join(folderOf('owner/model'), 'refs'))).toBe(false);
  });

  it('stops at the signal, and the next run goes on from there', async () => {
    files = { 'model.safetensors': weights };
    const stop = new AbortController();
    [hang, cutAfter] = [true, [200_000]];
    const running = resolveHere('owner/model', {}, { signal: stop.signal });
    const partial = join(folderOf('owner/model'), 'blobs', `${sha256(weights)}.incomplete`);
    await vi.waitFor(() => expect(statSync(partial).size).toBe(200_000));
    stop.abort();
    await expect(running).rejects.toMatchObject({ code: 'aborted' });
    expect(blobs()).toEqual([`${sha256(weights)}.incomplete`]);
    await resolveHere('owner/model');
    expect(storeRanges()).toEqual([undefined, 'bytes=200000-']);
  });

  it('does not begin when the signal has fired', async () => {
    await expect(resolveHere('owner/model', {}, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'aborted',
    });
    expect(requests).toEqual([]);
  });
});

describe('failures', () => {
  it.each(['model.safetensors', 'config.json'])('discards %s when its hash is wrong', async (bad) => {
    served = (path) => {
      const bytes = Uint8Array.from(files[path]!);
      if (path === bad) bytes[5]! ^= 1;
      return bytes;
    };
    const message = expect.stringMatching(new RegExp(`${bad} has hash [0-9a-f]+, but the hub lists`));
    await expect(resolveHere('owner/model')).rejects.toMatchObject({ code: 'corrupt_file', message });
    expect(blobs().some((name) => name.endsWith('.incomplete'))).toBe(false);
    expect(existsSync(join(folderOf('owner/model'), 'snapshots', commit, bad))).toBe(false);
  });

  it('discards a file that is longer than listed', async () => {
    files = { 'model.safetensors': weights };
    served = (path) => Buffer.concat([files[path]!, Buffer.alloc(10)]);
    await expect(resolveHere('owner/model')).rejects.toMatchObject({ code: 'corrupt_file' });
    expect(existsSync(join(folderOf('owner/model'), 'snapshots'))).toBe(false);
  });

  it.each([
    ['owner/none', {}, 'model_not_found', /no local folder "owner\/none"/],
    ['owner/model@v9', {}, 'model_not_found', /does not have that model or revision/],
    ['owner/private', {}, 'model_not_found', /set HF_TOKEN/],
    ['owner/private', { HF_TOKEN: 'hf_wrong' }, 'network', /refused the access token/],
    ['owner/gated', {}, 'network', /Accept its licence at .*\/owner\/gated,/],
    ['owner/busy', {}, 'network', /status 503/],
    ['no-such-folder', {}, 'model_not_found', /no folder "no-such-folder"/],
    ['./owner/model', {}, 'model_not_found', /no folder/],
    ['../owner/model', {}, 'model_not_found', /no folder/],
    ['owner/model@../../x', {}, 'model_not_found', /no folder/],
    ['some/folder/model', {}, 'model_not_found', /no folder "some\/folder\/model".*owner\/name:folder/],
    ['owner/model:../../x', {}, 'model_not_found', /no folder/],
    ['', {}, 'model_not_found', /Name a local folder/],
  ])('%s %o: %s', async (model, env, code, message) => {
    await expect(resolveHere(model, env)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });

  it('says what to do when the hub cannot be reached', async () => {
    await expect(resolveHere('owner/model', { HF_ENDPOINT: 'http://127.0.0.1:1' })).rejects.toMatchObject({
      code: 'network',
      message: expect.stringMatching(/127\.0\.0\.1:1 could not be reached .*set HF_ENDPOINT to a mirror/),
    });
  });

  /** A hub that answers requests for its listing with `tree`, and those for the commit with `sha`. */
  function answerWith(tree: unknown, sha = commit) {
    hub.removeAllListeners('request');
    hub.on('request', (request: IncomingMessage, response: ServerResponse) =>
      sendJson(response, request.url!.includes('/revision/') ? { id: 'owner/model', sha } : tree),
    );
  }

  it('says so when something else than a hub answers', async () => {
    const portal = createServer((_, response) => response.end('<html>Log in to the network</html>'));
    const HF_ENDPOINT = await listen(portal);
    await expect(resolveHere('owner/model', { HF_ENDPOINT })).rejects.toMatchObject({
      code: 'network',
      message: expect.stringMatching(/no JSON but no type, "<html>Log in.*Sign in to the network/),
    });
    portal.close();
  });

  const file = { type: 'file', path: 'model.safetensors', size: 10, oid: 'c'.repeat(40) };
  it.each([
    ['null', [null]],
    ['an object', { oops: 1 }],
    ['no size', [{ ...file, size: -1 }]],
    ['an oid that leads elsewhere', [{ ...file, oid: '../../../../escaped' }]],
    ['an oid of large-file storage that leads elsewhere', [{ ...file, lfs: { oid: '../../../../escaped', size: 10 } }]],
  ])('refuses a listing with %s', async (_, tree) => {
    answerWith(tree);
    await expect(resolveHere('owner/model')).rejects.toMatchObject({
      code: 'network',
      message: expect.stringMatching(/does not answer as a hub: its listing is wrong/),
    });
    expect(existsSync(cache)).toBe(false);
  });

  it('tells a refusal by its status, even with a body that is no JSON', async () => {
    hub.removeAllListeners('request');
    hub.on('request', (_: IncomingMessage, response: ServerResponse) =>
      response.writeHead(404, { 'Content-Type': 'application/json' }).end(),
    );
    await expect(resolveHere('owner/model')).rejects.toMatchObject({
      code: 'model_not_found',
      message: expect.stringMatching(/does not have that model or revision/),
    });
  });

  it('refuses a commit that leads elsewhere', async () => {
    answerWith([file], '../../../../escaped');
    await expect(resolveHere('owner/model')).rejects.toMatchObject({
      code: 'network',
      message: expect.stringMatching(/commit hash/),
    });
    expect(existsSync(cache)).toBe(false);
  });

  it('asks again for a listing that fails in passing', async () => {
    let busy = 2;
    hub.removeAllListeners('request');
    hub.on('request', (request: IncomingMessage, response: ServerResponse) =>
      busy-- > 0 ? sendJson(response, {}, 503) : answerHub(request, response),
    );
    expect((await resolveHere('owner/model')).source).toBe('hub');
  });

  it('gives up on a hub that is silent, or falls silent', async () => {
    const failure = { code: 'network', message: expect.stringMatching(/could not be reached.*Timeout/i) };
    [hang, cutAfter] = [true, [10, 0, 0, 0, 0]];
    await expect(resolveHere('owner/model', {}, { silence: 100 })).rejects.toMatchObject(failure);
    hub.removeAllListeners('request');
    await expect(resolveHere('owner/model', {}, { silence: 100 })).rejects.toMatchObject(failure);
  }, 60_000);

  it('goes through the proxy of the environment, and names it where it fails', async () => {
    const asked: string[] = [];
    const proxy = createServer().on('connect', (request, socket) => {
      asked.push(request.url!);
      socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
    });
    const HTTP_PROXY = (await listen(proxy)).replace('//', '//user:secret@');
    const shown = HTTP_PROXY.replace('user:secret@', '');
    const failure = await resolveHere('owner/model', { HTTP_PROXY }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'network', message: expect.stringContaining(`through the proxy ${shown}`) });
    expect(String(failure)).not.toContain('secret');
    expect(asked[0]).toBe(new URL(hubUrl).host);
    const without = { HTTP_PROXY, NO_PROXY: '127.0.0.1,localhost' };
    expect((await resolveHere('owner/model', without)).source).toBe('hub');
    proxy.close();
  });

  it.each([
    ['HF_TOKEN', 'hf_secret\nmore'],
    ['HF_TOKEN', 'hf_secr\u0435t'],
    ['HF_TOKEN', 'hf_secret\u0007'],
    ['HF_ENDPOINT', 'https://user:hf_secret@mirror.example'],
    ['HF_ENDPOINT', 'mirror.example'],
    ['HTTPS_PROXY', 'user:hf_secret@proxy'],
  ])('refuses a %s of the wrong form without printing secrets: %j', async (name, value) => {
    const failure = await resolveHere('owner/model', { [name]: value }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'invalid_option', message: expect.stringContaining(name) });
    expect(String(failure)).not.toMatch(/secr/);
    expect(requests).toEqual([]);
    mkdirSync(cache, { recursive: true });
    expect((await resolveHere(cache, { [name]: value })).source).toBe('local'); // no hub is needed
  });

  it('does not take a token that cannot be read for a missing one', async () => {
    mkdirSync(join(cache, 'token'), { recursive: true });
    await expect(resolveHere('owner/model')).rejects.toMatchObject({
      code: 'io',
      message: expect.stringMatching(/token/),
    });
  });

  it('names the path when the cache cannot be written', async () => {
    mkdirSync(cache);
    writeFileSync(join(cache, 'hub'), 'a file where the folder should be');
    await expect(resolveHere('owner/model')).rejects.toMatchObject({
      code: 'io',
      message: expect.stringContaining(join(cache, 'hub')),
    });
  });

  it.runIf(existsSync('/dev/full'))('says that the disk is full, and leaves no file', async () => {
    files = { 'model.safetensors': weights };
    mkdirSync(join(folderOf('owner/model'), 'blobs'), { recursive: true });
    const partial = join(folderOf('owner/model'), 'blobs', `${sha256(weights)}.incomplete`);
    symlinkSync('/dev/full', partial); // every write there fails as on a full disk
    const message = `Cannot write ${partial}: the disk is full. Free some space or choose another place. HF_HUB_CACHE names the folder of downloads.`;
    await expect(resolveHere('owner/model')).rejects.toMatchObject({ code: 'io', message });
    expect(existsSync(join(folderOf('owner/model'), 'blobs', sha256(weights)))).toBe(false);
    expect(existsSync(join(folderOf('owner/model'), 'snapshots'))).toBe(false);
  });

  it('refuses a download that cannot fit', async () => {
    hub.removeAllListeners('request');
    hub.on('request', (request: IncomingMessage, response: ServerResponse) => {
      if (request.url!.includes('/revision/')) return sendJson(response, { id: 'owner/model', sha: commit });
      sendJson(response, [
        {
          type: 'file',
          path: 'model.safetensors',
          size: 1e18,
          oid: '0'.repeat(40),
          lfs: { oid: '1'.repeat(64), size: 1e18 },
        },
      ]);
    });
    await expect(resolveHere('owner/model')).rejects.toMatchObject({
      code: 'io',
      message: expect.stringMatching(/needs 1000000000\.0 GB, but .* GB free.*HF_HUB_CACHE/),
    });
    expect(existsSync(cache)).toBe(false);
  });
});

it('throws a fault of the program as it is, at once', async () => {
  for (const fault of [new TypeError('x is not a function'), new Error('boom')]) {
    let told = 0;
    const onProgress = () => {
      told++;
      throw fault;
    };
    await expect(resolveHere('owner/model', {}, { onProgress })).rejects.toBe(fault);
    expect(told).toBe(1);
  }
});

describe('without the hub', () => {
  const offline = { HF_HUB_OFFLINE: '1' };

  it('uses the cache, by branch and by commit', async () => {
    await resolveHere('owner/model');
    requests = [];
    const cached = { path: join(folderOf('owner/model'), 'snapshots', commit), source: 'cache', commit };
    expect(await resolveHere('owner/model', offline)).toEqual(cached);
    expect(await resolveHere(`owner/model@${commit}`, offline)).toEqual(cached);
    expect(requests).toEqual([]);
  });

  it('names what is missing', async () => {
    const missing = (text: RegExp) => ({ code: 'model_not_found', message: expect.stringMatching(text) });
    await expect(resolveHere('owner/model', offline)).rejects.toMatchObject(
      missing(/^owner\/model \(revision main\) is not in the cache.*Unset HF_HUB_OFFLINE/),
    );
    const { path } = await resolveHere('owner/model');
    await expect(resolveHere('owner/model@v1', offline)).rejects.toMatchObject(missing(/revision v1/));
    unlinkSync(realpathSync(join(path, 'model.safetensors')));
    await expect(resolveHere('owner/model', offline)).rejects.toMatchObject(
      missing(/^model\.safetensors of owner\/model/),
    );
    unlinkSync(join(path, 'model.safetensors'));
    await expect(resolveHere('owner/model', offline)).rejects.toMatchObject(
      missing(/^model\.safetensors of owner\/model/),
    );
    writeFileSync(join(path, 'model.safetensors.index.json'), 'null');
    await expect(resolveHere('owner/model', offline)).rejects.toMatchObject({ code: 'corrupt_file' });
  });

  it('takes nothing that cannot be read for missing', async () => {
    const { path } = await resolveHere('owner/model');
    const refused = { code: 'io', message: expect.stringMatching(/links lead in a circle/) };
    const inCircle = (place: string) => {
      rmSync(place, { recursive: true, force: true });
      symlinkSync('circle', place);
      symlinkSync(basename(place), join(dirname(place), 'circle'));
    };
    inCircle(join(path, 'model.safetensors'));
    await expect(resolveHere('owner/model', offline)).rejects.toMatchObject(refused);
    await expect(resolveHere(join(path, 'circle'), offline)).rejects.toMatchObject(refused);
    inCircle(path);
    await expect(resolveHere('owner/model', offline)).rejects.toMatchObject(refused);
  });

  it('goes on with a complete cache that cannot be written, and writes nothing that is there already', async () => {
    const { path } = await resolveHere('owner/model');
    const reference = join(folderOf('owner/model'), 'refs', 'main');
    const before = statSync(reference).ino;
    await resolveHere('owner/model');
    expect(statSync(reference).ino).toBe(before);
    for (const name of readdirSync(path)) {
      const bytes = readFileSync(join(path, name));
      unlinkSync(join(path, name));
      writeFileSync(join(path, name), bytes); // as an image layer without links has it
    }
    rmSync(join(folderOf('owner/model'), 'blobs'), { recursive: true });
    writeFileSync(join(folderOf('owner/model'), 'blobs'), 'where nothing can be written');
    const events: HubEvent[] = [];
    const model = await resolveHere('owner/model', {}, { onProgress: (event) => events.push(event) });
    expect(model).toMatchObject({ path, source: 'cache' });
    const message = expect.stringMatching(/HF_HUB_CACHE names the folder.*Going on with the copy in the cache/);
    expect(events).toEqual([{ type: 'warning', message }]);
  });

  it('goes on with the cache when the hub is out of reach, and says so', async () => {
    await resolveHere('owner/model');
    const events: HubEvent[] = [];
    const onProgress = (event: HubEvent) => events.push(event);
    const model = await resolveHere('owner/model', { HF_ENDPOINT: 'http://127.0.0.1:1' }, { onProgress });
    expect(model.source).toBe('cache');
    expect(events).toEqual([
      { type: 'warning', message: expect.stringContaining('Going on with the copy in the cache') },
    ]);
  });
});
