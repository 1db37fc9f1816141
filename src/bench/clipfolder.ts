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
import { readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { type ClipModel, loadClipModel, messageOf, parsePixelConfig, QuantCacheError, type Runtime } from '../index.ts';

/** Opens the folder and tries the model. Throws `model_not_found` where a file is missing, and what `loadClipModel` throws. */
export async function openClipFolder(runtime: Runtime, folder: string): Promise<ClipModel> {
  const json = async (name: string) =>
    parsed(join(folder, name), new TextDecoder().decode(await contents(folder, name)));
  return loadClipModel(runtime, {
    name: basename(resolve(folder)),
    vision: await contents(folder, join('onnx', 'vision_model.onnx')),
    text: await contents(folder, join('onnx', 'text_model.onnx')),
    pixels: parsePixelConfig(await json('preprocessor_config.json')),
    tokenizer: await json('tokenizer.json'),
    tokenizerConfig: await json('tokenizer_config.json'),
  });
}

async function contents(folder: string, name: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await readFile(join(folder, name)));
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new QuantCacheError(
      isMissing ? 'model_not_found' : 'io',
      isMissing
        ? `The CLIP model in ${folder} has no ${name}. Give a folder as transformers.js has them, such as Xenova/clip-vit-base-patch32.`
        : `Cannot read ${join(folder, name)}: ${messageOf(error)}.`,
      { cause: error },
    );
  }
}

function parsed(path: string, text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // said below
  }
  throw new QuantCacheError('corrupt_file', `${path} is not a JSON object. Copy or download it again.`);
}
