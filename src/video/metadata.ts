/**
 * What a file says about its own making: prompt, seed, model, policy, version, as one JSON object in the comment field
 * of the container. Whoever finds the file can make it again.
 */
import { ALL_FORMATS, BufferSource, Input } from 'mediabunny';
import { messageOf, QuantCacheError } from '../errors.ts';
import { readBytes } from '../files/read.ts';
import { readGifComment } from './gif.ts';
import { readPngComment } from './png.ts';
import { readWebpComment } from './webp.ts';

/** How a video was made; any value that JSON can hold. */
export type VideoMetadata = Readonly<Record<string, unknown>>;

const starts: readonly [magic: string, offset: number, read: (bytes: Uint8Array) => string | undefined][] = [
  ['\x89PNG', 0, readPngComment],
  ['GIF8', 0, readGifComment],
  ['WEBP', 8, readWebpComment],
];

/** Reads back what `saveVideo` embedded in an mp4, webm, gif, webp or png; undefined if the file holds nothing of ours. */
export async function readMetadata(path: string): Promise<VideoMetadata | undefined> {
  const comment = await readComment(path);
  if (comment === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(comment);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as VideoMetadata) : undefined;
  } catch {
    return undefined; // a comment, but another program's
  }
}

async function readComment(path: string): Promise<string | undefined> {
  const bytes = await readBytes(path, { what: 'a video or picture', todo: 'Check the path.' });
  for (const [magic, offset, read] of starts) {
    if (String.fromCharCode(...bytes.subarray(offset, offset + magic.length)) === magic) return read(bytes);
  }
  try {
    using input = new Input({ source: new BufferSource(bytes), formats: ALL_FORMATS });
    return (await input.getMetadataTags()).comment;
  } catch (error) {
    throw new QuantCacheError(
      'corrupt_file',
      `${path} is not a video or picture that can be read (${messageOf(error)}). Readable are mp4, webm, gif, webp and png.`,
      { cause: error },
    );
  }
}
