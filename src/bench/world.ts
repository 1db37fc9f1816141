/** What the demo model can be asked and judged by: its vocabulary and the prompts that training never saw. */
import { join } from 'node:path';
import * as z from 'zod';
import { readVocabulary, type Vocabulary } from '../api/metrics.ts';
import { demoFolder, demoModel } from '../api/models.ts';
import { findJson } from '../files/json.ts';
import { readPrompts as readAllPrompts } from '../files/prompts.ts';
import { QuantCacheError } from '../index.ts';
import { counted } from './texts.ts';

/**
 * 200 distinct captions of combinations that training never draws (`held_out` in `training/world.py`):
 * the first ones of `evaluation_prompts(400)`.
 */
const evaluationFile = join(demoFolder, 'prompts.json');

/** The vocabulary that a model folder states; undefined for hub models and for models of the real world. */
export async function vocabularyOf(model: string = demoModel): Promise<Vocabulary | undefined> {
  const file = join(model === demoModel ? demoFolder : model, 'quantcache.json');
  const settings = await findJson(file, z.looseObject({ vocabulary: z.unknown() }), {
    what: 'the settings of a model',
    todo: 'Correct it.',
  });
  return settings?.vocabulary === undefined ? undefined : readVocabulary(settings.vocabulary);
}

/** The first prompts of a file: a JSON array of strings or one prompt per line; by default the evaluation prompts. */
export async function readPrompts(count: number, file: string = evaluationFile): Promise<[string, ...string[]]> {
  const prompts = [...new Set(await readAllPrompts(file))];
  if (prompts.length < count)
    throw new QuantCacheError(
      'invalid_option',
      `${file} has ${counted(prompts.length, 'distinct prompt')}, fewer than the ${count} asked for; ask for fewer.`,
    );
  return prompts.slice(0, count) as [string, ...string[]];
}
