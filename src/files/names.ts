/** Names that people or files give and that become parts of paths. */
import * as z from 'zod';

/** Whether a name stays inside the folder it is joined to, on every platform. */
export function isInside(path: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  return !/[\\:\x00-\x1f\x7f]/.test(path) && path.split('/').every((part) => !['', '.', '..'].includes(part));
}

/** Whether it is the name of a file in a folder, and no path. */
export const isFileName = (name: string): boolean => isInside(name) && !name.includes('/');

/** A name in a file of ours, of something that lies in the same folder or below. */
export const nameInside = z.string().refine(isInside, { error: 'needed is a name of what lies in this folder' });
