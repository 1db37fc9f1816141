/** Two clips on top of each other, A left of the slider and B right of it. */
import { useSignal } from '@preact/signals';
import type { Clock } from '../clip/clock.ts';
import type { Frames } from '../clip/frames.ts';
import { Screen } from '../clip/screen.tsx';
import type { Side } from './side.ts';

export interface WipeProps {
  readonly a: Side;
  readonly b: Side;
  readonly first: Frames;
  readonly second: Frames;
  readonly clock: Clock;
}

export function Wipe({ a, b, first, second, clock }: WipeProps) {
  const at = useSignal(50);
  return (
    <div class="wipe" style={{ '--at': `${at.value}%` }}>
      <Screen frames={second} clock={clock} label={`B, ${b.name}`} />
      <Screen class="over" frames={first} clock={clock} label={`A, ${a.name}`} />
      <span class="wipe-line" aria-hidden="true" />
      <b class="wipe-name a">A · {a.name}</b>
      <b class="wipe-name b">B · {b.name}</b>
      <input
        type="range"
        min={0}
        max={100}
        step={0.5}
        value={at.value}
        aria-label="How much of A is shown"
        onInput={({ currentTarget }) => {
          at.value = Number(currentTarget.value);
        }}
      />
    </div>
  );
}
