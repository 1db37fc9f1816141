/**
 * webp: animated, through the optional package sharp. The metadata is XMP (dc:description).
 */
import { throwIfAborted } from '../errors.ts';
import type { VideoFormat } from './encoder.ts';
import type { Frames } from './frames.ts';
import { importSharp } from './peer.ts';

/** Quality of the lossy encoder, 1 to 100. */
const quality = 90;

async function loadSharp() {
  return await importSharp('Writing .webp', 'Without it, .mp4, .gif and .png can be written.');
}

async function encode(frames: Frames, comment: string, signal?: AbortSignal): Promise<Uint8Array> {
  const sharp = await loadSharp();
  throwIfAborted(signal);
  const raw = { width: frames.width, height: frames.height * frames.count, channels: 3 as const };
  return await sharp(frames.data, { raw: { ...raw, pageHeight: frames.height }, limitInputPixels: false })
    .webp({ quality, smartSubsample: true, loop: 0, delay: millisecondDelays(frames) })
    .withXmp(toXmp(comment))
    .toBuffer();
}

/** Delay of each frame in whole milliseconds, adding up to the clip's length. */
function millisecondDelays(frames: Frames): number[] {
  const milliseconds = (index: number) => Math.round((index * 1000) / frames.fps);
  return Array.from({ length: frames.count }, (_, i) => Math.max(1, milliseconds(i + 1) - milliseconds(i)));
}

const escapes = { '&': '&amp;', '<': '&lt;', '>': '&gt;' } as const;

function toXmp(comment: string): string {
  const text = comment.replace(/[&<>]/g, (character) => escapes[character as keyof typeof escapes]);
  return (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">' +
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">' +
    '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:description><rdf:Alt>' +
    `<rdf:li xml:lang="x-default">${text}</rdf:li>` +
    '</rdf:Alt></dc:description></rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
  );
}

/** The description in a webp's XMP chunk, else undefined. */
export function readWebpComment(webp: Uint8Array): string | undefined {
  const view = new DataView(webp.buffer, webp.byteOffset, webp.byteLength);
  for (let at = 12; at + 8 <= webp.length; ) {
    const name = String.fromCharCode(...webp.subarray(at, at + 4));
    const size = view.getUint32(at + 4, true);
    if (name === 'XMP ') {
      const xmp = new TextDecoder().decode(webp.subarray(at + 8, at + 8 + size));
      const text = /<rdf:li xml:lang="x-default">([^<]*)<\/rdf:li>/.exec(xmp)?.[1];
      return text?.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
    }
    at += 8 + size + (size % 2);
  }
  return undefined;
}

/** Animated webp; needs the optional package sharp. */
export const webp: VideoFormat = {
  prepare: async () => void (await loadSharp()),
  encode,
};
