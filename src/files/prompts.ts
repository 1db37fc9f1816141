/** Lists of prompts in files: a JSON array of strings in a `.json` file, one prompt per line in any other. */
import { extname } from 'node:path';
import * as z from 'zod';
import { QuantCacheError } from '../errors.ts';
import { parseJson } from './json.ts';
import { findText, readText } from './read.ts';

const schema = z.array(z.string()).min(1);
const purpose = {
  what: 'a list of prompts',
  todo: 'Write one prompt per line, or ["first prompt", ...] in a file whose name ends in .json.',
};

/** The prompts of a file, at least one. Throws `model_not_found` where there is none, `corrupt_file` and `io`. */
export async function readPrompts(path: string): Promise<string[]> {
  return parsePrompts(await readText(path, purpose), path);
}

/** The same; undefined where there is no file. */
export async function findPrompts(path: string): Promise<string[] | undefined> {
  const text = await findText(path);
  return text === undefined ? undefined : parsePrompts(text, path);
}

function parsePrompts(text: string, path: string): string[] {
  if (extname(path).toLowerCase() === '.json') return parseJson(text, path, schema, purpose);
  const prompts = text
    .split(/\r\n|\r|\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
  if (prompts.length > 0) return prompts;
  throw new QuantCacheError('corrupt_file', `${path} is not ${purpose.what}: it has no prompt. ${purpose.todo}`);
}
