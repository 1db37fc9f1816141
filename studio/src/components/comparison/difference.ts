/** The difference of two clips, made visible. */
import type { Frames } from '../clip/frames.ts';
import type { Draw } from '../clip/screen.tsx';

/** How much differences may be enlarged; powers of two, as each doubling is one drawing. */
export const gains = [1, 4, 8, 32] as const;

/** Draws |A - B| of the clock's frame, enlarged; equal places are black. */
export function drawDifference(a: Frames, b: Frames, gain: number): Draw {
  return (context, frame) => {
    const { width, height } = a;
    context.globalCompositeOperation = 'source-over';
    context.drawImage(a.images[frame]!, 0, 0);
    context.globalCompositeOperation = 'difference';
    context.drawImage(b.images[frame]!, 0, 0);
    // Adding the canvas to itself doubles it.
    context.globalCompositeOperation = 'lighter';
    for (let by = 1; by < gain; by *= 2) context.drawImage(context.canvas, 0, 0, width, height);
    context.globalCompositeOperation = 'source-over';
  };
}
