/** Two clips with one clock: side by side, behind a slider, or their difference. */
import { useSignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import { useClock } from '../clip/clock.ts';
import type { Frames } from '../clip/frames.ts';
import { useClockKeys } from '../clip/keys.ts';
import { Screen } from '../clip/screen.tsx';
import { Transport } from '../clip/transport.tsx';
import { useFrames } from '../clip/useframes.ts';
import { Segments } from '../segments.tsx';
import { Curve } from './curve.tsx';
import { drawDifference, gains } from './difference.ts';
import { decibels, fidelityOf } from './fidelity.ts';
import type { Side } from './side.ts';
import { Wipe } from './wipe.tsx';

export interface ComparisonProps {
  readonly a: Side;
  readonly b: Side;
}

const modes = [
  { value: 'sides', label: 'Side by side' },
  { value: 'wipe', label: 'Slider' },
  { value: 'difference', label: 'Difference' },
] as const;
type Mode = (typeof modes)[number]['value'];

export function Comparison({ a, b }: ComparisonProps) {
  const first = useFrames(a.url);
  const second = useFrames(b.url);
  const error = first.error ?? second.error;
  if (error) return <p class="screen-note">{error}</p>;
  if (!first.frames || !second.frames)
    return (
      <div class="theatre two">
        <div class="screen waiting" aria-busy="true" />
        <div class="screen waiting" aria-busy="true" />
      </div>
    );
  return <Loaded key={`${a.url} ${b.url}`} a={a} b={b} first={first.frames} second={second.frames} />;
}

interface LoadedProps extends ComparisonProps {
  readonly first: Frames;
  readonly second: Frames;
}

function Loaded({ a, b, first, second }: LoadedProps) {
  const clock = useClock(Math.min(first.images.length, second.images.length), first.fps);
  useClockKeys(clock);
  const mode = useSignal<Mode>('sides');
  const gain = useSignal<number>(8);
  const fidelity = useMemo(() => fidelityOf(first, second), [first, second]);
  const alike = first.width === second.width && first.height === second.height;
  return (
    <section class="comparison" aria-label="Comparison">
      <div class="comparison-bar">
        <Segments
          label="Show"
          options={alike ? modes : modes.slice(0, 1)}
          value={mode.value}
          choose={(value) => {
            mode.value = value;
          }}
        />
        {mode.value === 'difference' && (
          <Segments
            label="Gain"
            options={gains.map((value) => ({ value, label: `×${value}` }))}
            value={gain.value}
            choose={(value) => {
              gain.value = value;
            }}
          />
        )}
        <output class="verdict">
          {fidelity ? (
            <>
              <small class="soft">PSNR</small> <b class="number">{decibels(fidelity.all)}</b>
            </>
          ) : (
            <span class="soft">not of one size and length</span>
          )}
        </output>
      </div>
      <div class={`theatre ${mode.value === 'sides' ? 'two' : ''}`} style={{ '--ratio': first.width / first.height }}>
        {mode.value === 'sides' && (
          <>
            <Named letter="A" name={a.name}>
              <Screen frames={first} clock={clock} label={`A, ${a.name}`} />
            </Named>
            <Named letter="B" name={b.name}>
              <Screen frames={second} clock={clock} label={`B, ${b.name}`} />
            </Named>
          </>
        )}
        {mode.value === 'wipe' && <Wipe a={a} b={b} first={first} second={second} clock={clock} />}
        {mode.value === 'difference' && (
          <Named letter="A − B" name={`${gain.value} times`}>
            <Screen
              key={gain.value}
              frames={first}
              clock={clock}
              label={`Difference of ${a.name} and ${b.name}, ${gain.value} times`}
              draw={drawDifference(first, second, gain.value)}
            />
          </Named>
        )}
      </div>
      <Transport clock={clock} />
      {fidelity && fidelity.frames.length > 1 && <Curve frames={fidelity.frames} clock={clock} />}
    </section>
  );
}

function Named({ letter, name, children }: { letter: string; name: string; children: preact.ComponentChildren }) {
  return (
    <figure class="named">
      {children}
      <figcaption>
        <b>{letter}</b>
        <span>{name}</span>
      </figcaption>
    </figure>
  );
}
