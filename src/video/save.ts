/**
 * Saving a video: the format is the file's extension, and the file appears whole or not at all. Any failure or abort leaves
 * an older file of that name as it was.
 */
import { extname } from 'node:path';
import { messageOf, QuantCacheError, throwIfAborted } from '../errors.ts';
import { assertCanWrite, writeWhole } from '../files/write.ts';
import type { VideoFormat } from './encoder.ts';
import type { Frames } from './frames.ts';
import { gif } from './gif.ts';
import type { VideoMetadata } from './metadata.ts';
import { mp4 } from './mp4.ts';
import { png } from './png.ts';
import { webm } from './webm.ts';
import { webp } from './webp.ts';

const formats = new Map<string, VideoFormat>([
  ['.mp4', mp4],
  ['.webm', webm],
  ['.gif', gif],
  ['.webp', webp],
  ['.png', png],
]);

/** The file extensions that `saveVideo` knows, with their dot. */
export const videoExtensions: readonly string[] = [...formats.keys()];

/** Encodes frames by the extension of `path`, with `metadata` embedded as JSON; an existing file is replaced. */
export async function saveVideo(
  frames: Frames,
  path: string,
  metadata: VideoMetadata = {},
  signal?: AbortSignal,
): Promise<void> {
  throwIfAborted(signal);
  const format = formatOf(path);
  assertShape(format, path, frames);
  const encoding = format.encode(frames, JSON.stringify(metadata), signal);
  const bytes = await encoding.catch((error: unknown) => {
    throw error instanceof QuantCacheError ? error : encodeError(frames, path, error);
  });
  await writeWhole(path, (handle) => handle.writeFile(bytes, { signal }), signal);
}

/**
 * Throws what `saveVideo` would throw later for a clip of this shape: unknown extension, missing optional package, a frame
 * rate or size that the format cannot hold. Whether the file can be written is for `assertWritable` to say.
 */
export async function assertFormat(path: string, shape?: FrameShape): Promise<void> {
  const format = formatOf(path);
  await format.prepare?.();
  if (shape) assertShape(format, path, shape);
}

/** As `assertFormat`, and whether the file can be written. */
export async function assertWritable(path: string, shape?: FrameShape): Promise<void> {
  await assertFormat(path, shape);
  await assertCanWrite(path);
}

/** What a format must be able to hold. */
type FrameShape = Pick<Frames, 'height' | 'width' | 'fps' | 'count'>;

function assertShape({ limits }: VideoFormat, path: string, { height, width, fps, count }: FrameShape): void {
  const { side, rates } = limits;
  if (Math.max(height, width) > side) {
    const message = `${path} would have frames of ${width}x${height}, but its format holds at most ${side} pixels a side. Choose a smaller size or another extension (${videoExtensions.join(', ')}).`;
    throw new QuantCacheError('invalid_option', message);
  }
  if (count > 1 && rates && (fps < rates.least || fps > rates.most)) {
    const message = `${path} would show ${fps} frames per second, but its format has ${rates.least} to ${rates.most}: ${rates.why}. Choose another --fps or another extension (${videoExtensions.join(', ')}).`;
    throw new QuantCacheError('invalid_option', message);
  }
}

function formatOf(path: string): VideoFormat {
  const extension = extname(path).toLowerCase();
  const format = formats.get(extension);
  if (format) return format;
  const given = extension === '' ? 'no extension' : `the extension ${extension}`;
  throw new QuantCacheError(
    'unsupported_format',
    `The output ${JSON.stringify(path)} has ${given}. Name it with one of ${videoExtensions.join(', ')}.`,
  );
}

function encodeError(frames: Frames, path: string, error: unknown): QuantCacheError {
  return new QuantCacheError(
    'io',
    `Cannot encode ${frames.count} frames of ${frames.width}x${frames.height} for ${path}: ${messageOf(error)}. Another extension (${videoExtensions.join(', ')}) may work.`,
    { cause: error },
  );
}
