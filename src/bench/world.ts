/** What the demo model can be asked and judged by: its vocabulary and the prompts that training never saw. */
import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { demoModel, messageOf, QuantCacheError, readVocabulary, type Vocabulary } from '../index.ts';
import { counted } from './texts.ts';

const demoFolder = fileURLToPath(new URL('../../models/demo', import.meta.url));

/**
 * 200 distinct captions of combinations that training never draws (`held_out` in `training/world.py`):
 * the first ones of `evaluation_prompts(400)`.
 */
const evaluationFile = join(demoFolder, 'prompts.json');

/** The vocabulary that a model folder states; undefined for hub models and for models of the real world. */
export async function vocabularyOf(model: string = demoModel): Promise<Vocabulary | undefined> {
  const file = join(model === demoModel ? demoFolder : model, 'quantcache.json');
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const { vocabulary } = JSON.parse(text) as { vocabulary?: unknown };
  return vocabulary === undefined ? undefined : readVocabulary(vocabulary);
}

/** The first prompts of a file: a JSON array of strings or one prompt per line; by default the evaluation prompts. */
export async function readPrompts(count: number, file: string = evaluationFile): Promise<[string, ...string[]]> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new QuantCacheError('io', `Cannot read the prompts in ${file}: ${messageOf(error)}.`, { cause: error });
  });
  const prompts = [...new Set(extname(file) === '.json' ? parseList(text, file) : linesOf(text))];
  if (prompts.length < count)
    throw new QuantCacheError(
      'invalid_option',
      `${file} has ${counted(prompts.length, 'distinct prompt')}, fewer than the ${count} asked for; ask for fewer.`,
    );
  return prompts.slice(0, count) as [string, ...string[]];
}

const linesOf = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');

function parseList(text: string, file: string): string[] {
  try {
    const value: unknown = JSON.parse(text);
    if (Array.isArray(value) && value.every((prompt) => typeof prompt === 'string')) return value;
  } catch {
    // said below
  }
  throw new QuantCacheError('corrupt_file', `${file} is not a JSON array of strings; write ["first prompt", ...].`);
}
