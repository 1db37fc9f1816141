/** Play, frame steps, position and speed: the same controls for one clip and for two. */
import { useSignal } from '@preact/signals';
import { Icon } from '../icon.tsx';
import { IconButton } from '../iconbutton.tsx';
import type { Clock } from './clock.ts';

const rates = [1, 0.5, 0.25, 2];

/** The controls of a clock. */
export function Transport({ clock }: { readonly clock: Clock }) {
  const { frame, playing, rate, count, fps } = clock;
  const scrubbing = useSignal(false);
  const last = count - 1;
  return (
    <div class="transport" role="group" aria-label="Playback">
      <button
        type="button"
        class="icon play"
        aria-label={playing.value ? 'Pause' : 'Play'}
        title="Space"
        onClick={clock.toggle}
      >
        <Icon name={playing.value ? 'pause' : 'play'} />
      </button>
      <IconButton icon="back" label="Previous frame" title="," act={() => clock.step(-1)} />
      <IconButton icon="forward" label="Next frame" title="." act={() => clock.step(1)} />
      <input
        class="scrubber"
        type="range"
        min={0}
        max={last}
        value={frame.value}
        aria-label="Frame"
        aria-valuetext={`frame ${frame.value + 1} of ${count}`}
        style={{ '--done': `${last > 0 ? (100 * frame.value) / last : 100}%` }}
        data-scrubbing={scrubbing.value}
        onPointerDown={() => {
          scrubbing.value = true;
        }}
        onPointerUp={() => {
          scrubbing.value = false;
        }}
        onInput={(event) => clock.seek(Number(event.currentTarget.value))}
      />
      <output class="number time">
        {String(frame.value + 1).padStart(String(count).length, '0')}
        <i>/{count}</i>
        <span class="wide"> {(frame.value / fps).toFixed(2)} s</span>
      </output>
      <button
        type="button"
        class="quiet number"
        aria-label={`Speed ${rate.value} times`}
        onClick={() => {
          rate.value = rates[(rates.indexOf(rate.value) + 1) % rates.length]!;
        }}
      >
        {rate.value}×
      </button>
    </div>
  );
}
