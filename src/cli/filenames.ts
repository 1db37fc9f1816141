/** Names of the files of several clips. */
import { extname } from 'node:path';

/** `name.mp4` for one clip, `name-1.mp4`, `name-2.mp4`... for several. */
export function fileNames(out: string, count: number): string[] {
  if (count === 1) return [out];
  const extension = extname(out);
  const name = out.slice(0, out.length - extension.length);
  return Array.from({ length: count }, (_, i) => `${name}-${i + 1}${extension}`);
}
