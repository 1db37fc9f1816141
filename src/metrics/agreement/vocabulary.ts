/**
 * The demo world in words and numbers, as `quantcache.json` of a model that was trained on it says them: what can be
 * asked for, how it is said, and what colours look like.
 */
import * as z from 'zod';
import { QuantCacheError } from '../../errors.ts';
import { issuesOf } from '../../refusals.ts';

/** What is said of a thing of the demo world and of the ground behind it, in the order that tables show. */
export const attributes = ['shape', 'colour', 'size', 'motion', 'background'] as const;
export type Attribute = (typeof attributes)[number];

/** One value per attribute: a thing and the background of its scene. */
export type Attributes = Readonly<Record<Attribute, string>>;

const channel = z.number().min(0).max(255);
const colour = z.tuple([channel, channel, channel]);

const schema = z.object({
  shapes: z.array(z.string()),
  colours: z.array(z.string()),
  sizes: z.array(z.string()),
  motions: z.record(z.string(), z.string()),
  backgrounds: z.record(z.string(), z.string()),
  templates: z.array(z.string()),
  palette: z.record(z.string(), colour),
  grounds: z.record(z.string(), z.array(colour).min(1).readonly()),
});

/**
 * The words of the world: motions and backgrounds with the phrase that says them, the palette of things, and the colours
 * that each background is made of.
 */
export type Vocabulary = z.output<typeof schema>;

/** Checks the `vocabulary` of a `quantcache.json`; throws `corrupt_file`. */
export function readVocabulary(value: unknown): Vocabulary {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new QuantCacheError(
    'corrupt_file',
    `The vocabulary in quantcache.json cannot be used. ${issuesOf(result.error)}.`,
  );
}
