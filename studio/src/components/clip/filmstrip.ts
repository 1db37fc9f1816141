/** A clip whose pictures come side by side in one image, as previews of runs do. */
import { useEffect, useState } from 'preact/hooks';
import type { Frames } from './frames.ts';

/** What of a clip a film strip does not say itself. */
export interface Shape {
  /** Width over height of one picture. */
  readonly ratio: number;
  readonly seconds: number;
}

/** The newest film strip that could be loaded; the one before stays until then. */
export function useFilmstrip(url: string | undefined, { ratio, seconds }: Shape): Frames | undefined {
  const [frames, setFrames] = useState<Frames>();
  useEffect(() => {
    if (url === undefined) return;
    let wanted = true;
    load(url, { ratio, seconds }).then(
      (loaded) => wanted && setFrames(loaded),
      () => undefined, // the run has ended, and its preview with it
    );
    return () => {
      wanted = false;
    };
  }, [url, ratio, seconds]);
  return url === undefined ? undefined : frames;
}

async function load(url: string, { ratio, seconds }: Shape): Promise<Frames> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`The preview could not be loaded (${response.status}).`);
  const strip = await createImageBitmap(await response.blob());
  const count = Math.max(1, Math.round(strip.width / (strip.height * ratio)));
  const width = Math.floor(strip.width / count);
  const pictures = Array.from({ length: count }, (_, i) => createImageBitmap(strip, i * width, 0, width, strip.height));
  const images = await Promise.all(pictures);
  return { images, width, height: strip.height, fps: count / seconds, reduced: true };
}
