/** Float32 numbers in JSON documents: base64, exact and compact. */
import * as z from 'zod';

export const packNumbers = (values: Float32Array): string =>
  Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('base64');

export const unpackNumbers = (text: string): Float32Array =>
  new Float32Array(Uint8Array.from(Buffer.from(text, 'base64')).buffer);

/** The schema of packed numbers: a text that unpacks to finite ones. */
export const packedNumbers = z.string().refine(isPacked, 'must be finite float32 numbers in base64');

function isPacked(text: string): boolean {
  const bytes = Buffer.from(text, 'base64');
  return bytes.length % 4 === 0 && bytes.toString('base64') === text && unpackNumbers(text).every(Number.isFinite);
}
