/** JSON documents of ours: read through a schema, with messages that name file and field; written whole or not at all. */
import type * as z from 'zod';
import { QuantCacheError } from '../errors.ts';
import { issuesOf } from '../refusals.ts';
import { type FilePurpose, findText, readText } from './read.ts';
import { jsonFault, parseStrictJson } from './strictjson.ts';
import { saveText } from './write.ts';

/** The document in a text. `path` is what messages call it. Throws `corrupt_file` that names the fields which are wrong. */
export function parseJson<Schema extends z.ZodType>(
  text: string,
  path: string,
  schema: Schema,
  { what, todo }: FilePurpose,
): z.output<Schema> {
  const refuse = (reason: string, cause: unknown) =>
    new QuantCacheError('corrupt_file', `${path} is not ${what}: ${reason}. ${todo}`, { cause });
  let value: unknown;
  try {
    value = parseStrictJson(text);
  } catch (error) {
    throw refuse(jsonFault(error), error);
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw refuse(issuesOf(result.error), result.error);
}

/** The document in a file. Throws `model_not_found` where there is none, `corrupt_file` and `io`. */
export async function readJson<Schema extends z.ZodType>(
  path: string,
  schema: Schema,
  purpose: FilePurpose,
): Promise<z.output<Schema>> {
  return parseJson(await readText(path, purpose), path, schema, purpose);
}

/** The document in a file; undefined where there is none. Throws `corrupt_file` and `io`. */
export async function findJson<Schema extends z.ZodType>(
  path: string,
  schema: Schema,
  purpose: FilePurpose,
): Promise<z.output<Schema> | undefined> {
  const text = await findText(path);
  return text === undefined ? undefined : parseJson(text, path, schema, purpose);
}

/** Writes a document, in lines that are `indent` deep or, by default, as one; makes its folder. */
export async function saveJson(path: string, document: unknown, indent = 0): Promise<void> {
  await saveText(path, `${JSON.stringify(document, null, indent)}\n`);
}
