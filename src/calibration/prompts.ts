/** What a model is calibrated with where nobody says: few, short and unlike each other. */
import { join } from 'node:path';
import { findPrompts, readPrompts } from '../files/prompts.ts';

const generalPrompts = [
  'a ship sails past a lighthouse in a storm',
  'a close-up of a cat that looks out of a window, soft morning light',
  'people cross a busy street at night, neon signs, rain',
  'aerial view of a river that winds through a green valley',
];

/** The prompts of a file. By default those of the model's own `calibration.json`, else general ones. */
export async function calibrationPrompts(file: string | undefined, folder: string): Promise<string[]> {
  if (file !== undefined) return readPrompts(file);
  return (await findPrompts(join(folder, 'calibration.json'))) ?? generalPrompts;
}
