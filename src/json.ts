/** What our own JSON files have in common: schemas refuse what is none, and float32 numbers are base64, exact and compact. */

/** The content of a JSON file; `undefined`, which every schema refuses, where it is not JSON. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export const packNumbers = (values: Float32Array): string =>
  Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('base64');

export const unpackNumbers = (text: string): Float32Array =>
  new Float32Array(Uint8Array.from(Buffer.from(text, 'base64')).buffer);
