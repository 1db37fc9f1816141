/**
 * CLIPSIM and CLIP-Temp by a CLIP-shaped model whose answers are known: pictures are embedded as their mean colour, texts as
 * how often they say red, green and blue, the end token counting as blue.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ImageTextModel, imageTextScores, parsePixelConfig } from '../api/metrics.ts';
import { createRuntime, type Runtime } from '../index.ts';
import { pixelValues } from '../metrics/imagetext/pixels.ts';
import { cosine } from '../metrics/imagetext/scores.ts';
import { Graph } from '../onnx/graph.ts';
import { makeFrames } from '../video/frames.ts';
import { openImageTextFolder } from './imagetextfolder.ts';

const folder = mkdtempSync(join(tmpdir(), 'quantcache-clip-test-'));
let runtime: Runtime;
let model: ImageTextModel;
beforeAll(async () => {
  runtime = await createRuntime({ threads: 1 });
  model = await openImageTextFolder(runtime, writeModel('tiny'));
});
afterAll(async () => {
  await model?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const preprocessor = {
  size: { shortest_edge: 8 },
  crop_size: { height: 8, width: 8 },
  image_mean: [0, 0, 0],
  image_std: [1, 1, 1],
  resample: 3,
};

/** Byte-pair tokens as CLIP's tokenizer.json has them: the words red, green and blue, all else in letters. Green comes first, lest "re" be merged in it. */
function tokenizer(): object {
  const letters = [...'abcdefghijklmnopqrstuvwxyz'];
  const merged = [[...'green'], [...'red'], [...'blue']].flatMap((word) => {
    const pieces = [...word.slice(0, -1), `${word.at(-1)}</w>`];
    return pieces.slice(1).map((piece, i) => [pieces.slice(0, i + 1).join(''), piece] as const);
  });
  const pieces = [...letters, ...letters.map((letter) => `${letter}</w>`), ...merged.map((pair) => pair.join(''))];
  const vocabulary = [...new Set(pieces), '<|startoftext|>', '<|endoftext|>'];
  const ids = Object.fromEntries(vocabulary.map((piece, id) => [piece, id]));
  const special = ['<|startoftext|>', '<|endoftext|>'] as const;
  return {
    version: '1.0',
    added_tokens: special.map((content) => ({ id: ids[content], content, special: true, normalized: false })),
    normalizer: {
      type: 'Sequence',
      normalizers: [
        { type: 'NFC' },
        { type: 'Replace', pattern: { Regex: '\\s+' }, content: ' ' },
        { type: 'Lowercase' },
      ],
    },
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        {
          type: 'Split',
          pattern: { Regex: '[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+' },
          behavior: 'Removed',
          invert: true,
        },
        { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true },
      ],
    },
    post_processor: {
      type: 'RobertaProcessing',
      sep: [special[1], ids[special[1]]],
      cls: [special[0], ids[special[0]]],
      trim_offsets: false,
      add_prefix_space: false,
    },
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true },
    model: {
      type: 'BPE',
      unk_token: special[1],
      continuing_subword_prefix: '',
      end_of_word_suffix: '</w>',
      vocab: ids,
      merges: merged.map((pair) => pair.join(' ')),
    },
  };
}

function visionGraph(output = 'image_embeds'): Uint8Array {
  const graph = new Graph('vision');
  const pixels = graph.input('pixel_values', ['batch', 3, 'height', 'width']);
  graph.output(output, graph.op.ReduceMean(pixels, [2, 3], { keepdims: 0 }));
  return graph.build().bytes;
}

/** `size` numbers per text: sums over tokens of one row of a table each. */
function textGraph(size = 3): Uint8Array {
  const { vocab } = (tokenizer() as { model: { vocab: Record<string, number> } }).model;
  const table = new Float32Array(Object.keys(vocab).length * size);
  for (const [token, colour] of [
    ['red</w>', 0],
    ['green</w>', 1],
    ['blue</w>', 2],
    ['<|endoftext|>', 2],
  ] as const)
    table[vocab[token]! * size + Math.min(colour, size - 1)] = 1;
  const graph = new Graph('text');
  const ids = graph.input('input_ids', ['batch', 'sequence'], 'int64');
  const rows = graph.op.Gather(graph.constant(table, [table.length / size, size]), ids, { axis: 0 });
  graph.output('text_embeds', graph.op.ReduceSum(rows, [1], { keepdims: 0 }));
  return graph.build().bytes;
}

/** A folder in the layout of transformers.js; `files` replace its own, `undefined` leaves one out. */
function writeModel(name: string, files: Record<string, string | Uint8Array | undefined> = {}): string {
  const place = join(folder, name);
  mkdirSync(join(place, 'onnx'), { recursive: true });
  const all = {
    'onnx/vision_model.onnx': visionGraph(),
    'onnx/text_model.onnx': textGraph(),
    'preprocessor_config.json': JSON.stringify(preprocessor),
    'tokenizer.json': JSON.stringify(tokenizer()),
    'tokenizer_config.json': JSON.stringify({ model_max_length: 77 }),
    ...files,
  };
  for (const [file, contents] of Object.entries(all))
    if (contents !== undefined) writeFileSync(join(place, file), contents);
  return place;
}

type Colour = readonly [number, number, number];
const [red, green, blue]: readonly Colour[] = [
  [255, 0, 0],
  [0, 255, 0],
  [0, 0, 255],
] as const;

/** A clip with one colour per frame. */
function clipOf(...colours: readonly (Colour | undefined)[]) {
  const data = colours.flatMap((colour) => Array.from({ length: 16 * 12 }, () => [...colour!]).flat());
  return makeFrames(Uint8Array.from(data), { count: colours.length, height: 12, width: 16, fps: 8 });
}

describe('scores', () => {
  const half = Math.SQRT1_2;

  it.each([
    ['the colour that was asked for', 'Red', [red, red], half, 1],
    ['another colour', 'red', [green, green], 0, 1],
    ['half of the clip', 'red  RED', [red, green], 2 / Math.sqrt(5) / 2, 0],
    ['a flicker', 'green', [green, blue, green, blue], half, 0],
    ['a frozen clip', 'green green', [green, green, green], 2 / Math.sqrt(5), 1],
    ['one frame', 'blue', [blue], 1, 1],
    ['words in letters', 'reddish', [red], 0, 1],
  ] as const)('%s', async (_, caption, colours, clipSim, clipTemp) => {
    const scores = await imageTextScores(model, clipOf(...colours), caption);
    expect(scores.model).toBe('tiny');
    expect(scores.clipSim).toBeCloseTo(clipSim, 5);
    expect(scores.clipTemp).toBeCloseTo(clipTemp, 5);
  });

  it('swapped captions score lower', async () => {
    const pairs = [
      [clipOf(red, red), 'red'],
      [clipOf(green, green), 'green'],
    ] as const;
    for (const [i, [frames, caption]] of pairs.entries()) {
      const right = (await imageTextScores(model, frames, caption)).clipSim;
      expect((await imageTextScores(model, frames, pairs[1 - i]![1])).clipSim).toBeLessThan(right);
    }
  });

  it('a caption that is too long is cut, its end token stays', async () => {
    expect([...(await model.embedText('red '.repeat(200)))]).toEqual([75, 0, 1]);
    expect([...(await model.embedText('red'))]).toEqual([1, 0, 1]);
  });

  it('an embedding without direction is an error, and a run can be stopped', async () => {
    expect(() => cosine(Float32Array.of(0, 0), Float32Array.of(1, 0))).toThrow(/not finite/);
    await expect(imageTextScores(model, clipOf([0, 0, 0]), 'red')).rejects.toMatchObject({ code: 'not_finite' });
    const controller = new AbortController();
    controller.abort();
    await expect(imageTextScores(model, clipOf(red), 'red', controller.signal)).rejects.toMatchObject({
      code: 'aborted',
    });
  });
});

describe('pixels', () => {
  it('are the centre of the picture with its shorter side resized, normalised per channel', () => {
    const config = parsePixelConfig({
      ...preprocessor,
      size: 4,
      crop_size: 4,
      image_mean: [0, 0.5, 1],
      image_std: [1, 0.5, 2],
    });
    // 12x4: a red, a white and a blue square; the middle one is left.
    const data = Array.from(
      { length: 12 * 4 },
      (_, i) => [red!, [255, 255, 255], blue!][Math.floor((i % 12) / 4)]!,
    ).flat();
    const values = pixelValues({ width: 12, height: 4, data: Uint8Array.from(data) }, config);
    expect(values.dims).toEqual([1, 3, 4, 4]);
    expect([...values.data]).toEqual([...Array(16).fill(1), ...Array(16).fill(1), ...Array(16).fill(0)]);
  });

  it('keep the aspect ratio, and are as bright as the picture', () => {
    const config = parsePixelConfig(preprocessor);
    const picture = { width: 33, height: 20, data: new Uint8Array(33 * 20 * 3).fill(51) };
    const values = pixelValues(picture, config);
    expect(values.dims).toEqual([1, 3, 8, 8]);
    for (const value of values.data) expect(value).toBeCloseTo(0.2, 6);
  });

  it.each([
    ['another resampling', { resample: 2 }, /resample/],
    ['no cropping', { do_center_crop: false }, /do_center_crop/],
    ['sizes of both sides', { size: { height: 8, width: 8 } }, /size/],
    ['a crop that does not fit', { crop_size: 9 }, /crop_size exceeds size/],
  ])('%s is not CLIP’s', (_, changes, message) => {
    expect(() => parsePixelConfig({ ...preprocessor, ...changes })).toThrow(message);
  });
});

describe('folders that are no CLIP model', () => {
  it.each([
    ['no-vision', { 'onnx/vision_model.onnx': undefined }, 'model_not_found', /no file .*vision_model\.onnx/],
    ['no-tokenizer', { 'tokenizer.json': undefined }, 'model_not_found', /no file .*tokenizer\.json/],
    ['no-json', { 'preprocessor_config.json': '{' }, 'corrupt_file', /preprocessor_config\.json .*it is not JSON/],
    ['no-onnx', { 'onnx/text_model.onnx': 'no graph' }, 'corrupt_file', /text_model\.onnx cannot be used/],
    ['no-bpe', { 'tokenizer.json': '{"model":{"type":"Magic"}}' }, 'corrupt_file', /tokenizer\.json .* are not such/],
    [
      'other-output',
      { 'onnx/vision_model.onnx': visionGraph('last_hidden_state') },
      'unsupported_format',
      /give image_embeds/,
    ],
    ['other-input', { 'onnx/text_model.onnx': visionGraph() }, 'unsupported_format', /take input_ids alone/],
    ['other-width', { 'onnx/text_model.onnx': textGraph(2) }, 'unsupported_format', /3 numbers and texts in 2/],
  ] as const)('%s', async (name, files, code, message) => {
    const opening = openImageTextFolder(runtime, writeModel(name, files));
    await expect(opening).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });
});
