/** A clip that plays in a loop, with its controls, on a ground that glows in its colours. */
import type { ComponentChildren } from 'preact';
import { useClock } from './clock.ts';
import type { Frames } from './frames.ts';
import { useClockKeys } from './keys.ts';
import { Screen } from './screen.tsx';
import { Transport } from './transport.tsx';
import { useFrames } from './useframes.ts';

export interface PlayerProps {
  /** Address of an mp4 or webm. */
  readonly url: string;
  /** What it shows, for those who do not see it. */
  readonly label: string;
  /** What stands in until it is there. */
  readonly poster?: ComponentChildren;
}

export function Player({ url, label, poster }: PlayerProps) {
  const { frames, error } = useFrames(url);
  if (error) return <p class="screen-note">{error}</p>;
  if (!frames) return <div class="theatre">{poster ?? <div class="screen waiting" aria-busy="true" />}</div>;
  return <Loaded key={url} frames={frames} label={label} />;
}

function Loaded({ frames, label }: { readonly frames: Frames; readonly label: string }) {
  const clock = useClock(frames.images.length, frames.fps);
  useClockKeys(clock);
  return (
    <>
      <div class="theatre" style={{ '--ratio': frames.width / frames.height }}>
        <Screen class="glow" frames={frames} clock={clock} label="" />
        <Screen frames={frames} clock={clock} label={label} />
      </div>
      <Transport clock={clock} />
    </>
  );
}
