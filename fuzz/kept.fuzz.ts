/** What earlier runs keep beside a model, beside results and in caches, changed: a later run is right, or refuses it. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterAll } from 'vitest';
import { defaultRecipes, recipesFile } from '../src/api/quantization.ts';
import { loadMeasurements } from '../src/calibration/measurements.ts';
import { openRecipeTrials } from '../src/calibration/recipetrials.ts';
import { readEnvironment } from '../src/environment.ts';
import { packNumbers } from '../src/files/numbers.ts';
import { createPolicy, createRuntime, finish, generate, openModel } from '../src/index.ts';
import { findDefaultProfile, fittedOptions } from '../src/profiles.ts';
import { resolveModel } from '../src/weights/hub.ts';
import { fuzz } from './harness.ts';
import { awkwardText, changedBytes, changedJson } from './inputs.ts';
import { copyOfDemo, replaceFile } from './modelfolders.ts';

const runtime = await createRuntime({ threads: 1 });
const folder = mkdtempSync(join(tmpdir(), 'quantcache-fuzz-kept-'));
const home = join(folder, 'home');
process.env.QUANTCACHE_HOME = home;
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function put(path: string, contents: string | Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, contents);
}

const model = copyOfDemo(join(folder, 'model'));
const pipeline = await openModel(runtime, { model });
const measuredModel = { name: pipeline.model, hash: await pipeline.hash() };
afterAll(() => pipeline[Symbol.asyncDispose]());

/** One small picture in 8 bits, by a model that is opened anew. */
async function picture(): Promise<Float32Array> {
  const opened = await openModel(runtime, { model });
  try {
    const options = { prompts: ['a large red star spins over a white background'], policy: createPolicy('full') };
    const run = generate(opened, runtime, { ...options, size: '16x16', frames: 1, numSteps: 1, precision: 'w8a8' });
    return (await finish(run)).videos[0]!.data;
  } finally {
    await opened[Symbol.asyncDispose]();
  }
}

// Beside a model
const maxima = { 'spatial_blocks.0.attn.qkv': packNumbers(new Float32Array(4).fill(1)) };
const recipes = { w8a8: { ...defaultRecipes.w8a8, smoothing: { alpha: 0.5, layers: [] } } };
const calibrated = { format: 'quantcache-recipes', version: 1, model: measuredModel, recipes, maxima };
fuzz('recipes of a model', changedJson(calibrated), async (text) => {
  put(recipesFile(model), text);
  try {
    return await picture();
  } finally {
    rmSync(recipesFile(model));
  }
});

const fitted = { format: 'quantcache-fitted', version: 1, name: 'teacache', model: measuredModel };
const options = { threshold: 0.2, coefficients: [1, 2, 3, 4, 5] };
fuzz(
  'fitted options of a policy',
  changedJson({ ...fitted, options }),
  async (text) => {
    put(join(model, 'profiles', 'teacache.json'), text);
    createPolicy('teacache', (await fittedOptions('teacache', pipeline)).options);
  },
  { runs: 100 },
);

const balanced = JSON.parse(readFileSync('models/demo/profiles/balanced.json', 'utf8')) as object;
fuzz(
  'the profile of a model',
  changedJson({ ...balanced, model: measuredModel }),
  async (text) => {
    put(join(model, 'profiles', 'balanced.json'), text);
    await findDefaultProfile(pipeline);
  },
  { runs: 100 },
);

// Of calibrations
const settings = { model: measuredModel, guidanceScale: 7, geometry: {} };
const triangle = [1, 2, 3, 4, 5].map((length) => Array<number>(length).fill(0.5));
const prompt = {
  prompt: 'a star',
  seed: 1,
  numSteps: 2,
  gram: triangle,
  latents: [packNumbers(Float32Array.of(1, 2)), packNumbers(Float32Array.of(3, 4))],
  changes: [{ input: 0.1, output: 0.2, magnitude: 1 }],
};
fuzz(
  'measurements',
  changedJson({ format: 'quantcache-measurements', version: 2, settings, prompts: [prompt] }),
  (text) => {
    put(join(folder, 'measurements.json'), text);
    return loadMeasurements(join(folder, 'measurements.json'), settings);
  },
  { runs: 100 },
);

const trial = { precision: 'w8a8', name: 'a', recipe: defaultRecipes.w8a8, psnr: 40, worstPsnr: 30, time: 1 };
fuzz(
  'tried recipes',
  changedJson({ format: 'quantcache-recipe-trials', version: 1, settings: '{}', trials: [trial] }),
  async (text) => {
    put(join(folder, 'recipes.json.trials'), text);
    return (await openRecipeTrials(join(folder, 'recipes.json'), {})).earlier;
  },
);

// In caches: what is damaged is made anew, so that the picture stays what it was.
const right = await picture();
const cached = readdirSync(home, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name));
fuzz(
  'quantized weights and remembered hashes',
  fc.constantFrom(...cached).chain((path) => changedBytes(readFileSync(path)).map((bytes) => ({ path, bytes }))),
  async ({ path, bytes }) => {
    replaceFile(path, bytes);
    const now = await picture();
    if (!now.every((value, i) => value === right[i])) throw new Error(`another picture after a damage of ${path}`);
    return now;
  },
);

const hub = join(folder, 'hub');
const repository = join(hub, 'models--owner--name');
const commit = 'b'.repeat(40);
const snapshot = join(repository, 'snapshots', commit);
put(join(snapshot, 'config.json'), '{}');
const index = { metadata: {}, weight_map: { a: 'x.safetensors', b: 'y.safetensors' } };
fuzz(
  "a hub's cache without a hub",
  fc.record({
    reference: fc.oneof({ weight: 4, arbitrary: fc.constant(commit) }, awkwardText),
    text: changedJson(index),
    shards: fc.subarray(['x.safetensors', 'y.safetensors']),
  }),
  async ({ reference, text, shards }) => {
    put(join(repository, 'refs', 'main'), reference);
    put(join(snapshot, 'model.safetensors.index.json'), text);
    for (const shard of ['x.safetensors', 'y.safetensors']) rmSync(join(snapshot, shard), { force: true });
    for (const shard of shards) put(join(snapshot, shard), '');
    const environment = readEnvironment({ HF_HUB_CACHE: hub, HF_HUB_OFFLINE: '1', QUANTCACHE_HOME: home });
    await resolveModel('owner/name', { environment });
  },
  { runs: 100, cases: ['null', '[]', '{"weight_map":null}'].map((text) => ({ reference: commit, text, shards: [] })) },
);
