/**
 * A policy's options without the tables that were fitted, which nobody reads and which are a hundred times as long as the rest:
 * a video of the API tells by what was decided, its file has all.
 */

/** The most numbers of an array that somebody may want to read. */
const mostNumbers = 24;

/** Leaves out arrays of more numbers, also where they are in arrays of arrays. */
export function readable(options: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(options)
      .filter(([, value]) => !isTable(value))
      .map(([name, value]) => [name, inner(value)]),
  );
}

function inner(value: unknown): unknown {
  if (Array.isArray(value)) return value.filter((one) => !isTable(one)).map(inner);
  return typeof value === 'object' && value !== null ? readable(value as Record<string, unknown>) : value;
}

function isTable(value: unknown): boolean {
  if (!Array.isArray(value)) return false;
  const flat: unknown[] = value.flat(Number.POSITIVE_INFINITY);
  return flat.length > mostNumbers && flat.every((one) => typeof one === 'number' || one === null);
}
