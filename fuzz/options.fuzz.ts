/** Options of the library: sizes, seeds, prompts, policies and rows, as programs and command lines give them. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll } from 'vitest';
import { parseRows } from '../src/bench/rows.ts';
import { readEnvironment } from '../src/environment.ts';
import {
  createPolicy,
  createRuntime,
  describePolicies,
  type GenerateOptions,
  generate,
  openModel,
} from '../src/index.ts';
import { readVocabulary } from '../src/metrics/agreement/vocabulary.ts';
import { parsePixelConfig } from '../src/metrics/imagetext/pixels.ts';
import { createRunState } from '../src/state.ts';
import { parseHubId } from '../src/weights/repository.ts';
import { fuzz } from './harness.ts';
import { awkwardJson, awkwardNumber, awkwardText, awkwardValue, changedJson, changedText, mostly } from './inputs.ts';

const runtime = await createRuntime({ threads: 1 });
const pipeline = await openModel(runtime);
afterAll(() => pipeline[Symbol.asyncDispose]());

const prompt = 'a large red star moves right over a blue background';
const policy = createPolicy('full');

/** Checks options and stops before anything is computed. */
async function begin(options: Partial<Record<keyof GenerateOptions, unknown>>): Promise<unknown> {
  const run = generate(pipeline, runtime, { prompts: [prompt], policy, ...options } as GenerateOptions);
  const { value } = await run.next();
  await run.return(undefined as never);
  return value;
}

const prompts = (JSON.parse(readFileSync('fuzz/cases/prompts.json', 'utf8')) as { prompt: string }[]).map(
  (one) => one.prompt,
);
fuzz(
  'prompts',
  fc.oneof(awkwardText, changedText(prompt, ...prompts), fc.webUrl(), fc.emailAddress()),
  (text) => begin({ prompts: [text] }),
  { cases: prompts, runs: 200 },
);

fuzz(
  'numbers of a generation',
  fc.record(
    {
      numSteps: mostly([1, 30], awkwardNumber),
      guidanceScale: mostly([0, 7], awkwardNumber),
      seed: mostly([0, 42], fc.oneof(awkwardNumber, awkwardText, fc.bigInt())),
      loops: mostly([1, 2], awkwardNumber),
      frames: mostly([17, 34], awkwardNumber),
      fps: mostly([8, 24], awkwardNumber),
    },
    { requiredKeys: [] },
  ),
  begin,
  { runs: 150 },
);

fuzz(
  'sizes',
  fc.record(
    {
      size: mostly(
        ['32x32', '16x48'],
        fc.oneof(
          awkwardText,
          fc.tuple(awkwardNumber, awkwardNumber).map((sides) => sides.join('x')),
        ),
      ),
      resolution: mostly(['144p', '240p'], fc.oneof(awkwardText, changedText('144p', '240p', '720p'))),
      aspect: mostly(['16:9', '1:1'], fc.oneof(awkwardText, changedText('16:9', '1:1'))),
      duration: mostly(['2s', '16s'], fc.oneof(awkwardText, changedText('2s', '16s'))),
      frames: mostly([1, 17], awkwardNumber),
    },
    { requiredKeys: [] },
  ),
  begin,
  { runs: 150 },
);

fuzz(
  "a family's own options",
  fc.dictionary(
    fc.constantFrom('maskStrategies', 'scores', 'aesthetic', 'motion', 'camera', '__proto__'),
    awkwardValue,
  ),
  (familyOptions) => begin({ familyOptions }),
  { runs: 100 },
);

fuzz(
  'mask strategies',
  changedText('0', '0,0,0,0,1,0.3', '0,0,-1,0,1;0,1,0,-1,1,0.5'),
  (strategy) => begin({ familyOptions: { maskStrategies: [strategy] } }),
  { runs: 100 },
);

const names = describePolicies().map(({ name }) => name);
const optionNames = [...new Set(describePolicies().flatMap(({ options }) => options.map(({ name }) => name)))];
fuzz(
  'options of policies',
  fc.tuple(
    fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...names) }, awkwardText),
    fc.dictionary(fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...optionNames) }, awkwardText), awkwardJson, {
      maxKeys: 2,
    }),
  ),
  ([name, options]) => void createPolicy(name, options),
  {
    runs: 300,
    cases: [
      ['static', { mask: 8 }],
      ['static', { mask: '1'.repeat(30) }],
    ],
  },
);

fuzz(
  'masks of static',
  fc.oneof(changedText('8-1-3-2', '1-1-1'), awkwardText),
  (mask) => void createPolicy('static', { mask }).begin({ numSteps: 30, state: createRunState() } as never),
);

fuzz(
  'rows of a comparison',
  changedText(
    'full#15,teacache@w8a8:threshold=0.1,quantcache:profile=balanced',
    'full@w8a8/smoothquant',
    'srap:{"a":[1,2]}',
  ),
  (rows) => parseRows(rows, { numSteps: 30, precision: 'fp32' }),
  { runs: 150 },
);

fuzz(
  'environment',
  fc.dictionary(
    fc.constantFrom(
      'HF_ENDPOINT',
      'HF_TOKEN',
      'HF_HOME',
      'HF_HUB_CACHE',
      'HF_HUB_OFFLINE',
      'XDG_CACHE_HOME',
      'QUANTCACHE_HOME',
    ),
    fc.oneof(awkwardText, fc.webUrl(), changedText('https://huggingface.co')),
  ),
  (environment) => void readEnvironment(environment),
  { runs: 100 },
);

fuzz(
  'hub ids',
  fc.oneof(awkwardText, changedText('owner/name@main', 'owner/name:folder/file@v1')),
  (id) => void parseHubId(id),
  {
    runs: 100,
  },
);

const vocabulary = JSON.parse(readFileSync('models/demo/quantcache.json', 'utf8')) as Record<string, unknown>;
fuzz('vocabularies', changedJson(vocabulary.vocabulary ?? vocabulary), (text) => readVocabulary(parsed(text)));
fuzz(
  'pixels of a CLIP model',
  changedJson({
    image_mean: [0.48, 0.45, 0.4],
    image_std: [0.26, 0.26, 0.27],
    crop_size: { height: 224, width: 224 },
    size: { shortest_edge: 224 },
    do_resize: true,
    resample: 3,
    rescale_factor: 0.00392,
  }),
  (text) => parsePixelConfig(parsed(text)),
);

/** The value of a JSON text; what is none is a value, too. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
