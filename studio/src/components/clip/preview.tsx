/** A run as it goes: what it is expected to become, playing in a loop. Smooth, as its pixels are guesses and not the clip's. */
import { useClock } from './clock.ts';
import type { Frames } from './frames.ts';
import { Screen } from './screen.tsx';

export interface PreviewProps {
  readonly frames: Frames;
  /** What it shows; empty where it stands for nothing new. */
  readonly label: string;
  /** Lights its ground in its colours, too. */
  readonly glows?: boolean;
}

export function Preview({ frames, label, glows }: PreviewProps) {
  const clock = useClock(frames.images.length, frames.fps);
  return (
    <>
      {glows && <Screen class="glow" frames={frames} clock={clock} label="" />}
      <Screen class="preview" frames={frames} clock={clock} label={label} pixels={false} />
    </>
  );
}
