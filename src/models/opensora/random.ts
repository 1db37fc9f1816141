/**
 * Writes a model folder of published size with random weights, so that speed and memory can be measured without the
 * published ones: STDiT3-XL/2 and the video VAE in float32, and T5-XXL in bfloat16, with few layers unless all are asked for.
 * The videos it makes are noise; its numbers stay finite, because weights are scaled as at initialisation.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { saveJson } from '../../files/json.ts';
import { readText } from '../../files/read.ts';
import { saveText } from '../../files/write.ts';
import { float32ToBfloat16 } from '../../weights/half.ts';
import { writeSafetensors } from '../../weights/safetensors.ts';
import type { RandomModelSizes } from '../family.ts';
import { parseStdit3Config } from './stdit3/config.ts';
import { stdit3Shapes } from './stdit3/weights.ts';
import { parseT5Config } from './t5/config.ts';
import { t5Shapes } from './t5/weights.ts';
import { parseVaeConfig } from './vae/config.ts';
import { vaeShapes } from './vae/weights.ts';

/** The demo model's text encoder folder: its tokenizer serves the random model, too. */
const demoTextEncoder = fileURLToPath(new URL('../../../models/demo/t5', import.meta.url));

/** Fields of the parts' `config.json`; as published by default: STDiT3-XL/2, the VAE of 1.2, T5-XXL with two layers. */
export interface RandomModelOptions extends RandomModelSizes {
  readonly transformer?: Record<string, unknown>;
  readonly vae?: Record<string, unknown>;
  readonly textEncoder?: Record<string, unknown>;
}

/** Writes the folder; about 6.5 GB for the default sizes, 15 GB with all layers of the text encoder. */
export async function writeRandomModel(folder: string, options: RandomModelOptions = {}): Promise<void> {
  const { signal, vae = {} } = options;
  const transformer = { model_type: 'STDiT3', ...options.transformer };
  const textEncoder = {
    num_layers: options.textLayers ?? 2,
    d_model: parseStdit3Config(transformer).captionChannels,
    ...options.textEncoder,
  };
  await part(folder, 'stdit3', transformer, stdit3Shapes(parseStdit3Config(transformer)), 'F32', signal);
  await part(folder, 'vae', vae, vaeShapes(parseVaeConfig(vae)), 'F32', signal);
  await part(folder, 't5', textEncoder, t5Shapes(parseT5Config(textEncoder), 'shared.weight'), 'BF16', signal);
  const tokenizer = await readText(join(demoTextEncoder, 'tokenizer.json'), {
    what: 'a part of the demo model',
    todo: 'Install the package again.',
  });
  await saveText(join(folder, 't5', 'tokenizer.json'), tokenizer);
  const defaults = {
    height: 144,
    width: 256,
    numFrames: 51,
    fps: 24,
    numSteps: 30,
    guidanceScale: 7,
    aestheticScore: null,
  };
  const parts = { family: 'opensora', transformer: 'stdit3', vae: 'vae', textEncoder: 't5' };
  await saveJson(join(folder, 'quantcache.json'), { ...parts, defaults, timestepTransformBaseResolution: 512 });
}

async function part(
  folder: string,
  name: string,
  config: object,
  shapes: ReadonlyMap<string, readonly number[]>,
  dtype: 'F32' | 'BF16',
  signal?: AbortSignal,
) {
  await saveJson(join(folder, name, 'config.json'), config);
  const tensors = [...shapes].map(([tensor, shape]) => ({
    name: tensor,
    dtype,
    shape: [...shape],
    data: () => (dtype === 'F32' ? chunks(tensor, shape) : narrowed(chunks(tensor, shape))),
  }));
  await writeSafetensors(join(folder, name, 'model.safetensors'), tensors, {}, signal);
}

/** Uniform numbers with deviation 1/sqrt(inputs); ones for norms; zeros for biases. Written in chunks of 4 MB. */
function* chunks(name: string, shape: readonly number[]): Generator<Float32Array> {
  const count = shape.reduce((product, size) => product * size, 1);
  const inputs = shape.slice(1).reduce((product, size) => product * size, 1);
  const isNorm = /norm.*\.weight$/.test(name) && shape.length === 1;
  const isBias = name.endsWith('.bias');
  const width = Math.sqrt(3 / inputs);
  let state = [...name].reduce((hash, character) => (Math.imul(hash, 31) + character.charCodeAt(0)) | 0, 7) || 1;
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 31 - 1;
  };
  for (let start = 0; start < count; start += 2 ** 20) {
    const chunk = new Float32Array(Math.min(2 ** 20, count - start));
    if (isNorm) chunk.fill(1);
    else if (!isBias) for (let i = 0; i < chunk.length; i++) chunk[i] = next() * width;
    yield chunk;
  }
}

function* narrowed(values: Iterable<Float32Array>): Generator<Uint16Array> {
  for (const chunk of values) yield float32ToBfloat16(chunk);
}
