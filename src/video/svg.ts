/** Drawings as pictures: SVG to png, by the optional package sharp. */
import { messageOf, QuantCacheError } from '../errors.ts';
import { importSharp } from './peer.ts';

/** The most pixels a side that the renderer makes. */
const longestSide = 32_000;

/**
 * Renders an SVG document at `scale` pixels per unit, fewer where the picture would become too large to be made. Throws
 * `missing_peer` without sharp, and `io` where a drawing cannot be made a picture.
 */
export async function pngOfSvg(svg: string, scale = 2): Promise<Uint8Array> {
  const sharp = await importSharp('Drawing a map as .png', 'Without it, choose a name that ends in .svg.');
  const [width = 1, height = 1] = /<svg[^>]* width="([\d.]+)" height="([\d.]+)"/.exec(svg)?.slice(1).map(Number) ?? [];
  const fitting = Math.min(scale, longestSide / width, longestSide / height);
  try {
    return await sharp(Buffer.from(svg), { density: 72 * fitting, limitInputPixels: false })
      .png()
      .toBuffer();
  } catch (error) {
    const message = `The drawing of ${width}x${height} cannot be made a .png: ${messageOf(error)}. Choose a name that ends in .svg.`;
    throw new QuantCacheError('io', message, { cause: error });
  }
}
