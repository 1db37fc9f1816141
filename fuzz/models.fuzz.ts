/** Readers of model folders and reference cases: what they take must compute something finite. */
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { verifiers, verifyFolder } from '../src/api/verification.ts';
import { readEnvironment } from '../src/environment.ts';
import { createPolicy, createRuntime, finish, generate, openModel, type Precision } from '../src/index.ts';
import { resolveModel } from '../src/weights/hub.ts';
import { assertExplained, assertOwnWords, fuzz } from './harness.ts';
import { changedBytes, changedJson } from './inputs.ts';
import { copyOfDemo, replaceFile, shard, wrongFolders } from './modelfolders.ts';

const runtime = await createRuntime({ threads: 1 });
const folder = mkdtempSync(join(tmpdir(), 'quantcache-fuzz-models-'));
process.env.QUANTCACHE_HOME = join(folder, 'home');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const prompt = 'a large red star moves right over a blue background';

/** Opens a model and makes one small picture. */
async function picture(model: string, precision: Precision = 'fp32'): Promise<Float32Array> {
  const pipeline = await openModel(runtime, { model });
  try {
    const options = { prompts: [prompt], policy: createPolicy('full'), size: '16x16', frames: 1 };
    const { videos } = await finish(generate(pipeline, runtime, { ...options, numSteps: 1, precision }));
    return videos[0]!.data;
  } finally {
    await pipeline[Symbol.asyncDispose]();
  }
}

const changed = copyOfDemo(join(folder, 'changed'));
for (const name of [
  'quantcache.json',
  'stdit3/config.json',
  't5/config.json',
  'vae/config.json',
  't5/tokenizer.json',
]) {
  const path = join(changed, name);
  const right = readFileSync(path, 'utf8');
  fuzz(`${name} of a model`, changedJson(JSON.parse(right)), async (text) => {
    replaceFile(path, text);
    try {
      return await picture(changed);
    } finally {
      replaceFile(path, right);
    }
  });
}

const weights = readFileSync('models/demo/t5/model.safetensors');
fuzz('weights of a model', changedBytes(weights, 8 + Number(weights.readBigUInt64LE(0))), async (bytes) => {
  replaceFile(join(changed, 't5/model.safetensors'), bytes);
  return picture(changed);
});

test('a model in shards equals the model', async () => {
  const model = copyOfDemo(join(folder, 'sharded'));
  shard(model);
  expect(await picture(model)).toEqual(await picture(copyOfDemo(join(folder, 'same'))));
});

test.each(Object.keys(wrongFolders))('a model with %s is refused, or right', async (name) => {
  const model = copyOfDemo(join(folder, 'wrong'));
  wrongFolders[name]!(model);
  for (const precision of ['fp32', 'w8a8'] as const) {
    const right = await picture(copyOfDemo(join(folder, 'same')), precision);
    const outcome = await picture(model, precision).catch((error: unknown) => error);
    if (outcome instanceof Float32Array) expect(outcome).toEqual(right);
    else assertExplained(outcome);
  }
});

/** Verifies a folder; that nothing was compared, or a case failed, is told in words of ours. */
async function verify(cases: string): Promise<number> {
  let results = 0;
  for await (const result of verifyFolder(runtime, cases, { verifiers: verifiers() })) {
    results++;
    if ('reason' in result) assertOwnWords(result.reason);
  }
  return results;
}

const golden = join(folder, 'golden');
cpSync('test/fixtures/golden/rflow_timesteps.json', join(golden, 'rflow_timesteps.json'));
const manifest = { cases: { a: { kind: 'rflow_timesteps', json: 'rflow_timesteps.json' } } };
fuzz('manifests of reference cases', changedJson(manifest), async (text) => {
  replaceFile(join(golden, 'manifest.json'), text);
  await verify(golden);
});
const timesteps = readFileSync(join(golden, 'rflow_timesteps.json'), 'utf8');
fuzz('reference cases', changedJson(JSON.parse(timesteps)), async (text) => {
  replaceFile(join(golden, 'manifest.json'), JSON.stringify(manifest));
  replaceFile(join(golden, 'rflow_timesteps.json'), text);
  await verify(golden);
});
test.each(readdirSync('fuzz/cases/verify'))('reference cases of %s do not pass', async (name) => {
  let passed = 0;
  try {
    for await (const { pass } of verifyFolder(runtime, join('fuzz/cases/verify', name), { verifiers: verifiers() }))
      if (pass) passed++;
  } catch (error) {
    assertExplained(error);
  }
  expect(passed).toBe(0);
});

// A hub on this machine that answers with whatever the input is.
let answers = { revision: '', tree: '', status: 200, file: '' };
const server = createServer((request, response) => {
  const part = request.url?.includes('/revision/') ? 'revision' : request.url?.includes('/tree/') ? 'tree' : 'file';
  response.writeHead(answers.status, {
    'Content-Type': part === 'file' ? 'application/octet-stream' : 'application/json',
  });
  response.end(answers[part]);
});
await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
afterAll(() => server.close());
const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

/** Files of two bytes, `{}`, by the hash of their blob or their content. */
const listing = [
  { type: 'file', path: 'config.json', size: 2, oid: '9e26dfeeb6e641a33dae4961196235bdb965b21b' },
  {
    type: 'file',
    path: 'model.safetensors',
    size: 2,
    oid: 'd'.repeat(40),
    lfs: { oid: createHash('sha256').update('{}').digest('hex'), size: 2, pointerSize: 1 },
  },
];
fuzz(
  'answers of a hub',
  fc.record({
    revision: fc.oneof(
      { weight: 4, arbitrary: fc.constant(JSON.stringify({ sha: 'b'.repeat(40), id: 'owner/name' })) },
      changedJson({ sha: 'b'.repeat(40), id: 'owner/name' }),
    ),
    tree: fc.oneof({ weight: 2, arbitrary: fc.constant(JSON.stringify(listing)) }, changedJson(listing)),
    status: fc.constantFrom(200, 200, 200, 404, 401, 500, 302),
    file: fc.constantFrom('{}', '', 'x'.repeat(100)),
  }),
  async (given) => {
    answers = given;
    const home = mkdtempSync(join(folder, 'hub-'));
    const environment = readEnvironment({ HF_ENDPOINT: endpoint, HF_HOME: home, QUANTCACHE_HOME: home });
    try {
      await resolveModel('owner/name', { environment, retryDelay: 1 });
    } finally {
      rmSync(home, { recursive: true });
    }
  },
  {
    runs: 80,
    cases: [
      { revision: '{"sha":"b","id":"owner/name"}', tree: '[null]', status: 200, file: '' },
      { revision: `{"sha":"${'b'.repeat(40)}"}`, tree: '{"oops":1}', status: 200, file: '' },
      { revision: '', tree: '[]', status: 404, file: '' },
      { revision: '<!DOCTYPE html><title>Sign in</title>', tree: '[]', status: 200, file: '' },
    ],
  },
);
