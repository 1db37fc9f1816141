/** Options of policies: a schema per policy with a default and a description for each, checked with errors that help. */
import * as z from 'zod';
import { QuantCacheError } from '../errors.ts';

/** The kinds of modules that a policy may be told to act on. */
export const moduleKinds = ['spatial-attention', 'temporal-attention', 'cross-attention', 'feed-forward'] as const;

/** The options of one policy: a strict object in which every field has a default. */
export type OptionsSchema = z.ZodObject<Record<string, z.ZodType>>;

/** The options with defaults filled in; throws `invalid_option` that names what is allowed. */
export function readOptions<Schema extends OptionsSchema>(
  policy: string,
  schema: Schema,
  given: unknown,
): z.output<Schema> {
  const result = schema.safeParse(given ?? {});
  if (result.success) return result.data;
  const problems = result.error.issues
    .map((issue) => `${issue.path.join('.') || 'options'}: ${issue.message}`)
    .join('; ');
  throw new QuantCacheError(
    'invalid_option',
    `Policy "${policy}" refuses these options. ${problems}. Allowed: ${allowed(schema)}.`,
  );
}

/** Every option with its default, in words. */
function allowed(schema: OptionsSchema): string {
  const entries = Object.entries(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }).properties ?? {});
  if (entries.length === 0) return 'no options at all';
  return entries
    .map(([name, field]) => `${name} (default ${JSON.stringify((field as { default?: unknown }).default)})`)
    .join(', ');
}
