/** Drawings as pictures: SVG to png, by the optional package sharp. */
import { importSharp } from './peer.ts';

/** Renders an SVG document at `scale` pixels per unit. Throws `missing_peer` without sharp. */
export async function pngOfSvg(svg: string, scale = 2): Promise<Uint8Array> {
  const sharp = await importSharp('Drawing a map as .png', 'Without it, choose a name that ends in .svg.');
  return sharp(Buffer.from(svg), { density: 72 * scale })
    .png()
    .toBuffer();
}
