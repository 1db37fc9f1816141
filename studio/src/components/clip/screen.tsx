/** A canvas that shows the clock's frame of a clip, drawn by `draw` or as it is. */
import { useSignalEffect } from '@preact/signals';
import { useRef } from 'preact/hooks';
import type { Clock } from './clock.ts';
import type { Frames } from './frames.ts';

export type Draw = (context: CanvasRenderingContext2D, frame: number) => void;

export interface ScreenProps {
  readonly frames: Frames;
  readonly clock: Clock;
  /** What it shows; empty where it shows what another one does. */
  readonly label: string;
  readonly class?: string;
  readonly draw?: Draw;
  /** Whether pixels have hard edges; by default those of small clips. */
  readonly pixels?: boolean;
}

/** Shows small clips with hard pixels: they are what was made, and smoothing would invent what is between them. */
export function Screen({ frames, clock, label, class: name, draw, pixels = frames.width < 256 }: ScreenProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const latest = useRef({ frames, draw });
  latest.current = { frames, draw };
  useSignalEffect(() => {
    const frame = clock.frame.value;
    const context = canvas.current?.getContext('2d');
    if (context) show(context, frame, latest.current.frames, latest.current.draw);
  });
  return (
    <canvas
      ref={(element) => {
        canvas.current = element;
        const context = element?.getContext('2d');
        if (context) show(context, clock.frame.peek(), frames, draw);
      }}
      class={`screen ${pixels ? 'pixels' : ''} ${name ?? ''}`}
      width={frames.width}
      height={frames.height}
      {...(label ? { role: 'img', 'aria-label': label } : { 'aria-hidden': true })}
    />
  );
}

function show(context: CanvasRenderingContext2D, frame: number, { images }: Frames, draw?: Draw): void {
  if (draw) draw(context, frame);
  else context.drawImage(images[Math.min(frame, images.length - 1)]!, 0, 0);
}
