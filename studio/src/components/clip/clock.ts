/** One clock for all players that are to show the same moment: a frame, and whether it goes on. */
import { type Signal, signal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';

export interface Clock {
  readonly frame: Signal<number>;
  readonly playing: Signal<boolean>;
  /** Times as fast as the clip says. */
  readonly rate: Signal<number>;
  readonly count: number;
  readonly fps: number;
  toggle(): void;
  /** Stops at a frame; past an end goes on at the other. */
  seek(frame: number): void;
  /** Stops, and goes so many frames on or back. */
  step(by: number): void;
}

/** A clock of so many frames, running unless the reader asked for less motion. Frames are shown in a loop. */
export function useClock(count: number, fps: number): Clock {
  const clock = useMemo(() => createClock(count, fps), [count, fps]);
  useEffect(() => run(clock), [clock]);
  return clock;
}

export function createClock(count: number, fps: number): Clock {
  const frame = signal(0);
  const playing = signal(!matchMedia('(prefers-reduced-motion: reduce)').matches);
  const seek = (to: number) => {
    playing.value = false;
    frame.value = ((to % count) + count) % count;
  };
  return {
    frame,
    playing,
    rate: signal(1),
    count,
    fps,
    seek,
    step: (by) => seek(frame.peek() + by),
    toggle() {
      playing.value = !playing.peek();
    },
  };
}

/** Advances a clock with the screen until the returned function is called. */
function run({ frame, playing, rate, count, fps }: Clock): () => void {
  let handle = 0;
  let before: number | undefined;
  let passed = 0;
  const tick = (now: number) => {
    if (playing.peek() && before !== undefined) passed += ((now - before) / 1000) * fps * rate.peek();
    before = now;
    if (passed >= 1) {
      frame.value = (frame.peek() + Math.floor(passed)) % count;
      passed %= 1;
    }
    handle = requestAnimationFrame(tick);
  };
  handle = requestAnimationFrame(tick);
  return () => cancelAnimationFrame(handle);
}
