/**
 * The demo world in words and numbers, as `quantcache.json` of a model that was trained on it says them: what can be
 * asked for, how it is said, and what colours look like.
 */
import * as z from 'zod';
import { QuantCacheError } from '../../errors.ts';

/** What a scene of the demo world consists of, in the order that tables show. */
export const attributes = ['shape', 'colour', 'size', 'motion', 'background'] as const;
export type Attribute = (typeof attributes)[number];

/** One value per attribute. */
export type Attributes = Readonly<Record<Attribute, string>>;

const channel = z.number().min(0).max(255);

const schema = z.object({
  shapes: z.array(z.string()),
  colours: z.array(z.string()),
  sizes: z.array(z.string()),
  motions: z.record(z.string(), z.string()),
  backgrounds: z.record(z.string(), z.string()),
  templates: z.array(z.string()),
  palette: z.record(z.string(), z.tuple([channel, channel, channel])),
});

/** The words of the world; motions and backgrounds with the phrase that says them. */
export type Vocabulary = z.output<typeof schema>;

/** Checks the `vocabulary` of a `quantcache.json`; throws `corrupt_file`. */
export function readVocabulary(value: unknown): Vocabulary {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ');
  throw new QuantCacheError('corrupt_file', `The vocabulary in quantcache.json cannot be used. ${problems}.`);
}
