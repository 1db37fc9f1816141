/**
 * JSON in which no object has a name twice: of those `JSON.parse` keeps the last silently, others the first, and one of the
 * two was meant.
 */

import { messageOf } from '../errors.ts';

/** A name that an object has twice; the message says which. */
class RepeatedNameError extends SyntaxError {}

/** `JSON.parse`, but for names that come twice. Throws a `SyntaxError`. */
export function parseStrictJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  const twice = duplicateName(text);
  if (twice === undefined) return value;
  throw new RepeatedNameError(`it has the name ${JSON.stringify(twice)} twice`);
}

/** What `parseStrictJson` found wrong with a text. */
export function jsonFault(error: unknown): string {
  if (error instanceof RepeatedNameError) return error.message;
  const [, position] = /position (\d+)/.exec(messageOf(error)) ?? [];
  return position === undefined ? 'it is not JSON' : `it is not JSON (from character ${Number(position) + 1} on)`;
}

/** A repeated name of a text that `JSON.parse` accepts; undefined where there is none. */
export function duplicateName(json: string): string | undefined {
  const objects: Set<string>[] = [];
  let string = '';
  for (let i = 0; i < json.length; i++) {
    switch (json[i]) {
      case '{':
        objects.push(new Set());
        break;
      case '}':
        objects.pop();
        break;
      case '"': {
        const start = i++;
        while (json[i] !== '"') i += json[i] === '\\' ? 2 : 1;
        string = json.slice(start, i + 1);
        break;
      }
      case ':': {
        const name = JSON.parse(string) as string; // escapes may spell one name in several ways
        const names = objects.at(-1)!;
        if (names.has(name)) return name;
        names.add(name);
        break;
      }
    }
  }
  return undefined;
}
