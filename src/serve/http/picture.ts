/**
 * A reference picture as it comes: what its first bytes say that it is, and how large it says it is, before anybody decodes it.
 * Decoding is the engine's.
 */
import type { Body } from './body.ts';
import type { CreateFields } from './fields.ts';
import { Refusal } from './refusal.ts';

export interface Picture {
  /** Without a dot. */
  readonly extension: 'png' | 'jpg' | 'webp' | 'gif';
  readonly bytes: Uint8Array;
}

/** The most pixels of a picture: a camera's. */
const mostPixels = 2 ** 26;

/** The picture of a request, if it has one: a file, or a data URL. Throws a refusal for all else, addresses above all. */
export function pictureOf(fields: CreateFields, file: Body['file']): Picture | undefined {
  if (file && file.field !== 'input_reference')
    throw new Refusal(400, 'invalid_value', 'A file is read as input_reference only.', { param: file.field });
  const named = fields.input_reference ?? fields.image_reference;
  const param = fields.input_reference || file ? 'input_reference' : 'image_reference';
  if (named && file)
    throw new Refusal(400, 'invalid_value', 'Send one picture, as a file or as a data URL.', { param });
  if (file) return checked(file.bytes, param);
  if (!named) return undefined;
  if (named.image_url === undefined)
    throw new Refusal(400, 'unsupported_parameter', 'Files are not kept here; send the picture itself.', { param });
  const [, data] = /^data:image\/[\w.+-]+;base64,([A-Za-z0-9+/=\s]+)$/.exec(named.image_url) ?? [];
  if (data === undefined) {
    const message = 'Only data URLs are read (data:image/png;base64,...): a server fetches no addresses.';
    throw new Refusal(400, 'unsupported_url', message, { param });
  }
  return checked(Buffer.from(data, 'base64'), param);
}

function checked(bytes: Uint8Array, param: string): Picture {
  const found = sizeOf(bytes);
  if (!found)
    throw new Refusal(400, 'invalid_image', 'The picture is no PNG, JPEG, WebP or GIF that can be read.', { param });
  const { extension, width, height } = found;
  if (width < 1 || height < 1 || width * height > mostPixels) {
    const message = `The picture has ${width}x${height} pixels; ${mostPixels} (64 megapixels) are allowed.`;
    throw new Refusal(400, 'invalid_image', message, { param });
  }
  return { extension, bytes };
}

interface Sized {
  readonly extension: Picture['extension'];
  readonly width: number;
  readonly height: number;
}

/** Format and size by the bytes themselves; undefined for other files and for headers that are cut short. */
export function sizeOf(bytes: Uint8Array): Sized | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = (at: number, length: number) => String.fromCharCode(...bytes.subarray(at, at + length));
  try {
    if (text(0, 8) === '\x89PNG\r\n\x1a\n' && text(12, 4) === 'IHDR')
      return { extension: 'png', width: view.getUint32(16), height: view.getUint32(20) };
    if (text(0, 4) === 'GIF8')
      return { extension: 'gif', width: view.getUint16(6, true), height: view.getUint16(8, true) };
    if (text(0, 4) === 'RIFF' && text(8, 4) === 'WEBP') return webpSize(view, text(12, 4));
    if (view.getUint16(0) === 0xffd8) return jpegSize(view);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // the file ends within its header
  }
  return undefined;
}

/** Reference: developers.google.com/speed/webp/docs/riff_container. */
function webpSize(view: DataView, chunk: string): Sized | undefined {
  const extension = 'webp';
  if (chunk === 'VP8X') {
    const threeBytes = (at: number) => view.getUint16(at, true) + view.getUint8(at + 2) * 2 ** 16 + 1;
    return { extension, width: threeBytes(24), height: threeBytes(27) };
  }
  if (chunk === 'VP8 ')
    return { extension, width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff };
  if (chunk !== 'VP8L') return undefined;
  const bits = view.getUint32(21, true);
  return { extension, width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
}

/** The size stands in the frame header, behind segments that have lengths. */
function jpegSize(view: DataView): Sized | undefined {
  for (let at = 2; ; ) {
    if (view.getUint8(at) !== 0xff) return undefined;
    const marker = view.getUint8(at + 1);
    if (marker === 0xff) at++;
    else if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker))
      return { extension: 'jpg', width: view.getUint16(at + 7), height: view.getUint16(at + 5) };
    else at += 2 + view.getUint16(at + 2);
  }
}
