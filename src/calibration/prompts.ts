/** What a model is calibrated with where nobody says: few, short and unlike each other. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { messageOf, QuantCacheError } from '../errors.ts';
import { jsonOf } from '../json.ts';
import { systemCode } from '../weights/files.ts';

const generalPrompts = [
  'a ship sails past a lighthouse in a storm',
  'a close-up of a cat that looks out of a window, soft morning light',
  'people cross a busy street at night, neon signs, rain',
  'aerial view of a river that winds through a green valley',
];

/** The list in a .json file, or one prompt per line. By default the model's own `calibration.json`, else general ones. */
export async function calibrationPrompts(file: string | undefined, folder: string): Promise<string[]> {
  const path = file ?? join(folder, 'calibration.json');
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (file === undefined && systemCode(error) === 'ENOENT') return undefined;
    throw new QuantCacheError('io', `Cannot read the prompts in ${path}: ${messageOf(error)}.`, { cause: error });
  });
  if (text === undefined) return generalPrompts;
  if (!path.endsWith('.json'))
    return text
      .split('\n')
      .map((line) => line.trim())
      .filter(Boolean);
  const result = z.array(z.string()).min(1).safeParse(jsonOf(text));
  if (result.success) return result.data;
  throw new QuantCacheError('corrupt_file', `${path} is not a JSON array of strings; write ["first prompt", ...].`);
}
