/** Prompts as typed: without quotes, the shell makes every word a prompt of its own. */
import { QuantCacheError } from '../index.ts';

/** Throws `invalid_option` for empty prompts, and with the quoted command where two or more are single words. `typed` is the command line. */
export function checkPrompts(prompts: readonly string[], typed: readonly string[]): void {
  if (prompts.some((prompt) => prompt.trim() === ''))
    throw new QuantCacheError('invalid_option', 'The prompt is empty; describe what the video is to show.');
  const isWord = (prompt: string) => !/\s/.test(prompt.trim());
  if (prompts.filter(isWord).length < 2) return;
  const message = `${prompts.length} prompts are given, and some are single words; one video would be made of each. If they are one prompt, quote it: ${quotedCommand(prompts, typed)}`;
  throw new QuantCacheError('invalid_option', message);
}

/** The command with its prompts as one, where the first of them stood. */
function quotedCommand(prompts: readonly string[], typed: readonly string[]): string {
  const left = [...prompts];
  const kept: string[] = [];
  for (const argument of typed) {
    const isPrompt = argument === left[0];
    if (isPrompt && left.length === prompts.length) kept.push(`"${prompts.join(' ').replace(/["\\$`]/g, '\\$&')}"`);
    else if (!isPrompt)
      kept.push(/^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`);
    if (isPrompt) left.shift();
  }
  return ['quantcache', ...kept].join(' ');
}
