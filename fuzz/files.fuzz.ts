/** Files of ours and of others, changed: documents, checkpoints, pictures and videos. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll } from 'vitest';
import {
  createTrace,
  decisionMap,
  parseTraceDocument,
  summarizeDocument,
  summaryLines,
  traceDocument,
} from '../src/api/trace.ts';
import { makeFrames, readMetadata } from '../src/api/video.ts';
import { loadComparison } from '../src/bench/comparison.ts';
import { openImageTextFolder } from '../src/bench/imagetextfolder.ts';
import { comparisonPage } from '../src/bench/page/page.ts';
import { readPrompts } from '../src/files/prompts.ts';
import { createRuntime, loadImage, saveVideo } from '../src/index.ts';
import { readT5Tokenizer } from '../src/models/opensora/tokenizer.ts';
import { Graph } from '../src/onnx/graph.ts';
import { parseProfile } from '../src/policies/quantcache/profile.ts';
import { openCheckpoint, readFloat32 } from '../src/weights/checkpoint.ts';
import { decode, encode } from '../src/weights/format.ts';
import { fuzz } from './harness.ts';
import { awkwardJson, awkwardText, changedBytes, changedJson, changedText } from './inputs.ts';

const folder = mkdtempSync(join(tmpdir(), 'quantcache-fuzz-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A file with these contents; the name is used again, so that readers may not rely on it. */
function file(name: string, contents: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, contents);
  return path;
}

const json = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));

// Checkpoints
const tensors = encode([
  { name: 'a.weight', dtype: 'F32', shape: [2, 3], data: new Uint8Array(24) },
  { name: 'a.bias', dtype: 'F16', shape: [3], data: new Uint8Array(6) },
]);
const headerBytes = 8 + Number(new DataView(tensors.buffer, tensors.byteOffset).getBigUint64(0, true));
fuzz('safetensors in memory', changedBytes(tensors, headerBytes), (bytes) => void decode(bytes), { runs: 200 });

async function readAll(path: string): Promise<void> {
  const checkpoint = await openCheckpoint(path);
  for (const name of checkpoint.names()) await readFloat32(checkpoint.get(name));
}
fuzz('safetensors files', changedBytes(tensors, headerBytes), (bytes) => readAll(file('model.safetensors', bytes)), {
  runs: 150,
});
const header = JSON.parse(Buffer.from(tensors.subarray(8, headerBytes)).toString()) as Record<string, unknown>;
fuzz(
  'safetensors headers',
  changedJson({ ...header, __metadata__: { format: 'pt' } }),
  (text) => {
    const start = Buffer.alloc(8);
    start.writeBigUInt64LE(BigInt(Buffer.byteLength(text)));
    return readAll(file('model.safetensors', Buffer.concat([start, Buffer.from(text), tensors.subarray(headerBytes)])));
  },
  { runs: 200 },
);
file('shard.safetensors', tensors);
fuzz(
  'indices of shards',
  changedJson({
    metadata: { total_size: 30 },
    weight_map: { 'a.weight': 'shard.safetensors', 'a.bias': 'shard.safetensors' },
  }),
  (text) => readAll(file('m.safetensors.index.json', text)),
  { runs: 100, cases: ['null', '{"weight_map":null}', '{"weight_map":{"a.weight":"../../../etc/passwd"}}'] },
);

// Documents of ours
fuzz('profiles', changedJson(json('models/demo/profiles/balanced.json')), (text) => parseProfile(text, 'p.json'), {
  runs: 100,
});

const modules = [{ path: 'b.0.attn', kind: 'attention' }];
const trace = createTrace();
const example = {
  ...traceDocument(trace, {
    model: 'demo',
    policy: 'full',
    numSteps: 2,
    blocks: [{ path: 'b.0', level: 'block', kind: 'block', children: modules }] as never,
    flops: () => 100,
  }),
  decisions: ['step', 'block', 'module'].flatMap((level) =>
    [0, 1].map((step) => ({ step, path: 'b.0.attn', level, did: 'compute', precision: 'fp32', milliseconds: 1 })),
  ),
  measurements: [{ step: 0, path: 'b.0', values: { divergence: 0.5 } }],
};
fuzz(
  'traces',
  changedJson(example),
  (text) => {
    const document = parseTraceDocument(text, 't.json');
    const summary = summarizeDocument(document);
    const shown = [...summaryLines(summary), decisionMap(document)].join('\n');
    if (/\bNaN\b|\bInfinity\b/.test(shown)) throw new Error(`shows what is no number: ${shown.slice(0, 300)}`);
    return summary;
  },
  { runs: 150 },
);

fuzz(
  'comparisons',
  changedJson(json('bench/results/demo-20.json')),
  async (text) => {
    const comparison = await loadComparison(file('c.json', text));
    if (comparison) comparisonPage(comparison);
  },
  { runs: 100 },
);

fuzz('lists of prompts', fc.oneof(changedJson(['a star', 'a square']), awkwardText), (text) =>
  readPrompts(file('prompts.json', text)),
);
fuzz('prompts by line', awkwardText, (text) => readPrompts(file('prompts.txt', text)));

// Tokenizers, and models that others exported
const sentence = readFileSync('test/fixtures/golden/tokenizer_spiece.model');
fuzz('SentencePiece models', changedBytes(sentence), (bytes) => readT5Tokenizer(bytes).encode('a large red star', 20), {
  cases: [sentence.subarray(0, 40)],
});
const tokenizerJson = readFileSync('models/demo/t5/tokenizer.json');
const demoTokenizer = readT5Tokenizer(tokenizerJson);
fuzz('texts to tokens', awkwardText, (text) => demoTokenizer.encode(text, 300), { runs: 100 });

const runtime = await createRuntime({ threads: 1 });
const [vision, text] = ['pixel_values', 'input_ids'].map(exported);
const pixels = { image_mean: [0, 0, 0], image_std: [1, 1, 1], crop_size: 8, size: 8, resample: 3 };
const clipModel = {
  'onnx/vision_model.onnx': vision!,
  'onnx/text_model.onnx': text!,
  'preprocessor_config.json': JSON.stringify(pixels),
  'tokenizer.json': tokenizerJson,
  'tokenizer_config.json': '{}',
};
fuzz(
  'folders of CLIP models',
  fc.constantFrom(...(Object.keys(clipModel) as (keyof typeof clipModel)[])).chain((name) => {
    const right = Buffer.from(clipModel[name]);
    const contents = name.endsWith('.onnx')
      ? changedBytes(right)
      : changedJson(JSON.parse(right.toString())).map((changed) => Buffer.from(changed));
    return contents.map((bytes) => ({ name, bytes }));
  }),
  async (changed) => {
    mkdirSync(join(folder, 'clip', 'onnx'), { recursive: true });
    for (const [name, bytes] of Object.entries({ ...clipModel, [changed.name]: changed.bytes }))
      file(join('clip', name), bytes);
    const model = await openImageTextFolder(runtime, join(folder, 'clip'));
    try {
      return await model.embedText('a star');
    } finally {
      await model[Symbol.asyncDispose]();
    }
  },
  { runs: 150 },
);

/** A graph that embeds pictures as their mean colours, texts as threes. */
function exported(input: string): Uint8Array {
  const graph = new Graph('exported');
  if (input === 'pixel_values') {
    const values = graph.input(input, [1, 3, 8, 8], 'float32');
    graph.output('image_embeds', graph.op.ReduceMean(values, [2, 3], { keepdims: 0 }));
  } else {
    const rows = graph.constant(new Float32Array(3000).fill(1), [1000, 3]);
    const found = graph.op.Gather(rows, graph.input(input, [1, 'tokens'], 'int64'), { axis: 0 });
    graph.output('text_embeds', graph.op.ReduceSum(found, [1], { keepdims: 0 }));
  }
  return graph.build().bytes;
}

// Pictures and videos
const frames = makeFrames(new Uint8Array(3 * 16 * 16 * 3).fill(90), { count: 3, width: 16, height: 16, fps: 8 });
for (const extension of ['mp4', 'gif', 'png', 'webp']) {
  const path = join(folder, `right.${extension}`);
  await saveVideo(frames, path, { prompt: 'a star', seed: 42 });
  fuzz(
    `metadata of ${extension}`,
    changedBytes(readFileSync(path)),
    (bytes) => readMetadata(file(`changed.${extension}`, bytes)),
    { runs: 60 },
  );
}
fuzz(
  'images',
  changedBytes(readFileSync(join(folder, 'right.png'))),
  (bytes) => loadImage(file('image.png', bytes), { height: 32, width: 32 }),
  { runs: 60 },
);
fuzz('what a video says of itself', awkwardJson, async (metadata) => {
  const path = join(folder, 'said.png');
  await saveVideo(frames, path, { said: metadata });
  await readMetadata(path);
});
fuzz('names of videos', fc.oneof(changedText('a.mp4', 'b.gif', 'c.png'), awkwardText), (name) =>
  saveVideo(frames, join(folder, name.replaceAll(/[/\\]|\.\./g, '')), {}),
);
