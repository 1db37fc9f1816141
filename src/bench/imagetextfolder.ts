/**
 * A CLIP model from a folder in the layout of transformers.js (`Xenova/clip-vit-base-patch32` on the hub):
 *
 *     onnx/vision_model.onnx      pixel_values -> image_embeds, weights inside
 *     onnx/text_model.onnx        input_ids -> text_embeds, weights inside
 *     preprocessor_config.json
 *     tokenizer.json
 *     tokenizer_config.json
 *
 * Tested on a small model of this shape only: no weights of a real one could be had where this was written.
 */
import { basename, join, resolve } from 'node:path';
import * as z from 'zod';
import { type ImageTextModel, loadImageTextModel, parsePixelConfig } from '../api/metrics.ts';
import { readJson } from '../files/json.ts';
import { readBytes } from '../files/read.ts';
import type { Runtime } from '../index.ts';

const purpose = {
  what: 'a part of a CLIP model',
  todo: 'Give a folder as transformers.js has them, such as Xenova/clip-vit-base-patch32.',
};

/** Opens the folder and tries the model. Throws `model_not_found` where a file is missing, and what `loadImageTextModel` throws. */
export async function openImageTextFolder(runtime: Runtime, folder: string): Promise<ImageTextModel> {
  const contents = (name: string) => readBytes(join(folder, name), purpose);
  const json = (name: string) => readJson(join(folder, name), z.looseObject({}), purpose);
  return loadImageTextModel(runtime, {
    name: basename(resolve(folder)),
    vision: await contents(join('onnx', 'vision_model.onnx')),
    text: await contents(join('onnx', 'text_model.onnx')),
    pixels: parsePixelConfig(await json('preprocessor_config.json')),
    tokenizer: await json('tokenizer.json'),
    tokenizerConfig: await json('tokenizer_config.json'),
  });
}
