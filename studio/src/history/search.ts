/** Which clips a search finds. */
import type { Video } from '../api/types.ts';
import { methodOf } from '../names.ts';

/** Whether all words of a query are found in what is known of a clip, in any order; `seed:7` looks at the seed alone. */
export function matches(video: Video, query: string): boolean {
  const { prompt, model, size, error, quantcache } = video;
  const { seed, policy, precision, sampler, negative_prompt } = quantcache;
  const said = [prompt, model, size, methodOf(video), policy, precision, sampler, negative_prompt, error?.code, seed];
  const text = said
    .filter((part) => part !== null && part !== undefined)
    .join(' ')
    .toLowerCase();
  return query
    .toLowerCase()
    .split(/\s+/)
    .every((word) => (word.startsWith('seed:') ? String(seed) === word.slice(5) : text.includes(word)));
}
