/**
 * The body of a request: JSON, or a form with texts for values and at most one file. Names such as `a[b]` of a form become
 * fields of fields, as JSON has them. The name that a client gives a file is never used.
 */
import type { Context } from 'hono';
import { Refusal } from './refusal.ts';

export interface Body {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly file?: { readonly field: string; readonly bytes: Uint8Array };
}

/** Fields of one form. */
const mostFields = 200;

/** Reads a body. Throws a refusal for what is neither. */
export async function readBody({ req }: Context): Promise<Body> {
  const type = (req.header('content-type') ?? '').replace(/;.*/s, '').trim().toLowerCase();
  if (type === 'application/json') return { fields: readJson(await req.text()) };
  if (type === 'multipart/form-data' || type === 'application/x-www-form-urlencoded')
    return await readForm(
      await req.formData().catch(() => {
        throw new Refusal(400, 'invalid_body', 'The body is not the form that its content type says.');
      }),
    );
  throw new Refusal(415, 'unsupported_media_type', 'Send application/json or multipart/form-data.');
}

function readJson(text: string): Body['fields'] {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Body['fields'];
  } catch {
    // said below
  }
  throw new Refusal(400, 'invalid_body', 'The body is not a JSON object.');
}

async function readForm(form: FormData): Promise<Body> {
  const fields: Record<string, unknown> = Object.create(null);
  let file: Body['file'];
  let count = 0;
  for (const [name, value] of form.entries()) {
    if (++count > mostFields) throw new Refusal(400, 'invalid_body', `A form may have ${mostFields} fields.`);
    const path = pathOf(name);
    if (typeof value === 'string') place(fields, path, value);
    else if (value.size > 0) {
      if (file) throw new Refusal(400, 'invalid_body', 'Send one file at most.', { param: path[0] });
      file = { field: path[0]!, bytes: new Uint8Array(await value.arrayBuffer()) };
    }
  }
  return { fields: { ...fields }, file };
}

/** `a[b][c]` in parts. */
function pathOf(name: string): string[] {
  const [first = '', ...rest] = name.split('[');
  return [first, ...rest.map((part) => part.replace(/\]$/, ''))];
}

function place(fields: Record<string, unknown>, path: readonly string[], value: string): void {
  const [name, ...inner] = path;
  if (inner.length === 0) fields[name!] = value;
  else if (inner.length > 4 || name === '')
    throw new Refusal(400, 'invalid_body', 'A field of the form is nested too deep.');
  else {
    const below = fields[name!];
    const next: Record<string, unknown> = isPlain(below) ? below : Object.create(null);
    fields[name!] = next;
    place(next, inner, value);
  }
}

const isPlain = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
