/** Options of policies: a schema per policy with a default and a description for each, checked with errors that help. */
import * as z from 'zod';
import { QuantCacheError } from '../errors.ts';
import { modulesIn, type Node, type Role } from '../model.ts';
import { issuesOf } from '../refusals.ts';

/** What modules do, in the words that all models share. */
export const roles = ['self-attention', 'cross-attention', 'feed-forward'] as const satisfies readonly Role[];

/** An option that names modules, by role or by the kind that a model gives them; all modules by default. */
export const modulesField = () =>
  z
    .array(z.string())
    .min(1)
    .default([...roles]);

/** Whether a node is a module that some names mean. */
export const isNamed = (names: readonly string[], { level, kind, role }: Node): boolean =>
  level === 'module' && (names.includes(kind) || (role !== undefined && names.includes(role)));

/** Throws `invalid_option` for names that are neither a role nor a kind of module of this model. */
export function checkModuleNames(policy: string, names: readonly string[], tree: Node): void {
  const known: readonly string[] = [...new Set([...roles, ...modulesIn(tree).map(({ kind }) => kind)])];
  const strange = names.filter((name) => !known.includes(name));
  if (strange.length === 0) return;
  const message = `Policy "${policy}" names modules ${strange.join(', ')}, which this model does not have; use ${known.join(', ')}.`;
  throw new QuantCacheError('invalid_option', message);
}

/** The options of one policy: a strict object in which every field has a default. */
export type OptionsSchema = z.ZodObject<Record<string, z.ZodType>>;

/** The options with defaults filled in; throws `invalid_option` that names what is allowed. */
export function readOptions<Schema extends OptionsSchema>(
  policy: string,
  schema: Schema,
  given: unknown,
): z.output<Schema> {
  const result = schema.safeParse(textsWhereNeeded(schema, given ?? {}));
  if (result.success) return result.data;
  throw new QuantCacheError(
    'invalid_option',
    `Policy "${policy}" refuses these options. ${issuesOf(result.error, 'options', Object.keys(schema.shape))}. Allowed: ${allowed(schema)}.`,
  );
}

/** Values that look like numbers, such as the mask 8, as the texts that an option takes. */
function textsWhereNeeded(schema: OptionsSchema, given: unknown): unknown {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return given;
  const entries = Object.entries(given).map(([name, value]) => {
    const field = Object.hasOwn(schema.shape, name) ? schema.shape[name] : undefined;
    const isText = typeof value === 'number' && field?.safeParse(value).success === false;
    return [name, isText && field.safeParse(String(value)).success ? String(value) : value];
  });
  return Object.fromEntries(entries);
}

/** An option with its default, if it has one. */
const describe = (name: string, field: { default?: unknown }): string =>
  'default' in field ? `${name} (default ${JSON.stringify(field.default)})` : name;

/** Every option with its default, in words. */
function allowed(schema: OptionsSchema): string {
  const entries = Object.entries(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }).properties ?? {});
  if (entries.length === 0) return 'no options at all';
  return entries.map(([name, field]) => describe(name, field as { default?: unknown })).join(', ');
}
