/**
 * Reference pictures for `--image`: read with the optional package sharp, then as Open-Sora reads them: resized to fill
 * and cropped to the centre (Pillow's bicubic, see resample.ts), scaled to [-1, 1].
 * One deliberate difference: a photo with an EXIF orientation is turned upright first; the original leaves it lying.
 * Transparency is dropped as in the original (the colour under it shows).
 */
import { stat } from 'node:fs/promises';
import { messageOf, QuantCacheError } from '../errors.ts';
import { fileError } from '../files/failure.ts';
import { framesToTensor, makeFrames } from './frames.ts';
import { importSharp } from './peer.ts';
import { type Picture, resizeToFill } from './resample.ts';

/** The most pixels of a picture: a camera's, and what can be resized while one waits. */
const mostPixels = 2 ** 26;

/** Reads a PNG, JPEG or WebP picture as float32 [3, 1, height, width] in [-1, 1]. */
export async function loadImage(path: string, size: { height: number; width: number }): Promise<Float32Array> {
  const picture = resizeToFill(await readPicture(path), size.width, size.height);
  return framesToTensor(makeFrames(picture.data, { count: 1, ...size, fps: 1 }));
}

/** Reads a picture file (the first frame, if it is animated) as 8-bit RGB, upright. */
export async function readPicture(path: string): Promise<Picture> {
  const sharp = await importSharp('Reading a picture', 'Without it, generate from text only.');
  const status = await stat(path).catch((error: unknown) => {
    throw fileError('read', path, error);
  });
  if (!status.isFile()) throw new QuantCacheError('io', `Cannot read the picture ${path}: it is not a file.`);
  try {
    const { width = 0, height = 0 } = await sharp(path).metadata();
    if (width * height > mostPixels) throw tooLarge(path, width, height);
    const image = sharp(path).autoOrient().toColourspace('srgb').removeAlpha();
    const { data, info } = await image.raw().toBuffer({ resolveWithObject: true });
    return { width: info.width, height: info.height, data };
  } catch (error) {
    if (error instanceof QuantCacheError) throw error;
    throw new QuantCacheError(
      'corrupt_file',
      `${path} is not a picture that can be read (${messageOf(error)}). Give a whole PNG, JPEG or WebP file.`,
      { cause: error },
    );
  }
}

function tooLarge(path: string, width: number, height: number): QuantCacheError {
  return new QuantCacheError(
    'invalid_option',
    `The picture ${path} has ${width}x${height} pixels, more than ${mostPixels} (64 megapixels). Make it smaller first; a clip has far fewer.`,
  );
}
